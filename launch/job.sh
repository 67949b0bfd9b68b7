# Shared by launch/train and launch/evaluate, which source it after common.sh: a job under mpirun,
# and the supervision of it.

# Ends the script with exit code 2 for a wrong command line.
refuse() {
    say "${0##*/}: $1, expected $2; see launch/${0##*/} --help"
    exit 2
}

whole_number() {
    [[ $2 =~ ^0*[1-9][0-9]{0,5}$ ]] || refuse "$1 is '$2'" "a whole number from 1"
    echo "$((10#$2))"
}

# Prints the cores that this process may use, as lines CORE,NODE without duplicates from
# hyperthreads.
cores() {
    local allowed
    allowed=$(taskset --cpu-list --pid $$ | sed 's/.*: //')
    lscpu --parse=CPU,CORE,NODE | awk -F, -v allowed="$allowed" '
        BEGIN {
            count = split(allowed, parts, ",")
            for (i = 1; i <= count; i++) {
                split(parts[i], ends, "-")
                for (cpu = ends[1]; cpu <= (ends[2] == "" ? ends[1] : ends[2]); cpu++) may[cpu + 0] = 1
            }
        }
        /^[0-9]/ && may[$1 + 0] { print $2 "," $3 }' | sort --unique
}

# host_lines FILE: prints the lines of a hostfile that name a host, whatever editor wrote it:
# without byte order mark, carriage returns and comments.
host_lines() { sed '1s/^\xEF\xBB\xBF//' "$1" | tr '\r' '\n' | sed 's/#.*//' | awk 'NF'; }
# host_names FILE: prints the hosts of a hostfile, each once.
host_names() { host_lines "$1" | awk '!seen[$1]++ { print $1 }'; }

ranks_per_host='' threads='' hostfile='' grace=5 start=180 bind='' dry_run=''
options=()
read_options() {
    local value
    while (($#)); do
        case $1 in
            -h | --help) help_and_exit ;;
            --ranks-per-host | --threads | --grace | --start)
                (($# > 1)) || refuse "$1 has no value" "a whole number from 1"
                value=$(whole_number "$1" "$2")
                case $1 in
                    --ranks-per-host) ranks_per_host=$value ;;
                    --threads) threads=$value ;;
                    --grace) grace=$value ;;
                    --start) start=$value ;;
                esac
                shift
                ;;
            --hostfile)
                [[ -r ${2:-} && ! -d ${2:-} ]] || refuse "$1 is '${2:-}'" "a file of hosts, one a line"
                hostfile=$2
                shift
                ;;
            --bind)
                [[ ${2:-} == core || ${2:-} == none ]] || refuse "$1 is '${2:-}'" "'core' or 'none'"
                bind=$2
                shift
                ;;
            --dry-run) dry_run=yes ;;
            *) options+=("$1") ;;
        esac
        shift
    done
}

# plan COMMAND: leaves mpirun's command line in `command`, the number of hosts in `hosts` and
# whether ranks run on this host in `here`.
plan() {
    # Only a number from the user is passed to the program; otherwise the program determines its own
    # on each host.
    local threads_option=() placement liveness=() core_count node_count
    [[ -z $threads ]] || threads_option=(-x "T2FNORM_THREADS=$threads")
    core_count=$(cores | wc -l)
    node_count=$(cores | cut -d, -f2 | sort --unique | wc -l)
    ranks_per_host=${ranks_per_host:-$node_count}
    threads=${threads:-$((core_count > ranks_per_host ? core_count / ranks_per_host : 1))}
    hosts=${SLURM_JOB_NUM_NODES:-1}
    [[ -z $hostfile ]] || hosts=$(host_names "$hostfile" | wc -l)
    ((hosts > 0)) || refuse "--hostfile is '$hostfile' without a host" "one a line"
    # Under Slurm the script runs on the job's first host.
    here=yes
    [[ -z $hostfile ]] || host_names "$hostfile" | is_here || here=''

    program=${T2FNORM:-$root/.build/release/t2fnorm}
    [[ -x $program ]] || program=$(command -v t2fnorm) || stop "no program ${T2FNORM:-$root/.build/release/t2fnorm}; run launch/setup"
    command -v mpirun >/dev/null || stop "no mpirun on PATH; run launch/setup, or load the cluster's module of Open MPI"

    # If there are more ranks than cores, ranks share cores.
    ((ranks_per_host * threads <= core_count || hosts > 1)) || [[ -n $dry_run ]] || bind=${bind:-none}
    if [[ $bind == none ]]; then
        placement=(--map-by "ppr:$ranks_per_host:node" --oversubscribe --bind-to none)
    else
        placement=(--map-by "ppr:$ranks_per_host:node:PE=$threads" --bind-to core)
    fi
    # Slurm's slots are the job's tasks; the number of ranks on a host is set here instead.
    [[ -z ${SLURM_JOB_ID:-} || $bind == none ]] || placement+=(--oversubscribe)
    # With these settings a host that is off the network is detected in 16 seconds instead of 8
    # minutes.
    ((hosts == 1)) ||
        liveness=(--mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3)
    command=(
        mpirun -n "$((hosts * ranks_per_host))" "${placement[@]}" ${threads_option[@]+"${threads_option[@]}"}
        --mca odls_base_sigkill_timeout "$grace" ${liveness[@]+"${liveness[@]}"} ${hostfile:+--hostfile "$hostfile"} "$program" "$1"
        ${options[@]+"${options[@]}"}
    )
}

# Whether one of the host names on standard input is this host's.
is_here() {
    local name
    name=$(hostname)
    grep --line-regexp --fixed-strings -e "$name" -e "${name%%.*}" -e localhost -e 127.0.0.1 -e ::1 >/dev/null
}

# The folder in which mpirun keeps the files that its processes share.
session_folder() { echo "${OMPI_MCA_orte_tmpdir_base:-${TMPDIR:-/tmp}}"; }
room() {
    local folder
    folder=$(session_folder)
    # Two numbers; none if the folder does not exist.
    local left=($(df --output=avail,iavail "$folder" 2>/dev/null | tail -n 1 || true))
    echo "TMPDIR is $folder, $((${left[0]:-0} / 1024)) MB and ${left[1]:-0} files left"
}

# Without room for its files mpirun fails without naming the cause, or waits for ever.
check_room() {
    local folder probe='' i
    folder=$(session_folder)
    if probe=$(mktemp -d "$folder/t2fnorm-room.XXXXXX" 2>/dev/null) &&
        (for ((i = 0; i < 30; i++)); do : >"$probe/$i" || exit 1; done) 2>/dev/null &&
        head -c 16M /dev/zero 2>/dev/null >"$probe/0"; then
        rm -rf "$probe"
        return
    fi
    [[ -z $probe ]] || rm -rf "$probe"
    stop "mpirun needs 16 MB and 30 files of room; $(room); free some, or set TMPDIR to another folder of this host"
}

# descendants PROCESS …: prints their children, the children of those, and so on.
descendants() {
    ps -e -o pid=,ppid= | awk -v roots="$*" '
        BEGIN { split(roots, list, " "); for (i in list) under[list[i]] = 1 }
        { parent[$1] = $2 }
        END {
            do {
                more = 0
                for (p in parent) if (!(p in under) && parent[p] in under) { under[p] = 1; print p; more = 1 }
            } while (more)
        }'
}

# ranks: prints the processes that mpirun has started here as ranks, even if they have executed
# another program since. mpirun's helpers that reach other hosts are no ranks: they lack a rank's
# environment.
ranks() {
    local level=$launcher process next state
    while [[ -n $level ]]; do
        next=()
        for process in $(pgrep --parent "$level" || true); do
            state=0
            grep --quiet --null-data '^OMPI_COMM_WORLD_RANK=' "/proc/$process/environ" 2>/dev/null || state=$?
            # 2: the process's environment is not readable, such as a container's, or the process
            # has ended.
            if ((state == 0)) ||
                { ((state == 2)) && is_alive "$process" && ! grep --quiet --text 'orted\|prted' "/proc/$process/cmdline" 2>/dev/null; }; then
                echo "$process"
            else
                next+=("$process")
            fi
        done
        level=$(IFS=,; echo "${next[*]+"${next[*]}"}")
    done
}

# Whether a process exists and is not a zombie.
is_alive() {
    local first=''
    IFS= read -r -d '' first 2>/dev/null <"/proc/$1/cmdline" || true
    [[ -n $first ]]
} 2>/dev/null

# Whether all ranks here catch the stop signal; before they do, it would end them.
are_listening() {
    local rank process found=''
    # Ranks of other hosts start about when these do.
    ((hosts == 1 || SECONDS - began >= 10)) || return 1
    [[ -n $here ]] || return 0
    for rank in $(ranks); do
        found=''
        for process in "$rank" $(descendants "$rank"); do
            if catches "$process"; then found=yes; break; fi
        done
        [[ -n $found ]] || return 1
    done
    [[ -n $found ]]
}

# Asks the ranks to stop; mpirun forwards SIGUSR1 at once, but would end the job on SIGTERM.
ask_to_stop() { are_listening && kill -s USR1 "$launcher" 2>/dev/null; }

kill_job() {
    kill -KILL $(descendants "$launcher") "$launcher" 2>/dev/null || true
    # Otherwise bash prints a line about its end.
    wait "$launcher" 2>/dev/null || true
    # mpirun removes this folder only if it ends by itself.
    rm -rf "$(session_folder)"/ompi.*/"pid.$launcher"
}

# on_signal NAME: forwards a first stop signal to the ranks, or ends a job without checkpoints;
# SIGINT after another signal ends the job at once.
on_signal() {
    local before=$asked
    asked=${asked:-$1}
    [[ -n $launcher && -n $scratch ]] || return 0
    : >"$scratch/asked"
    if [[ -n $before && $1 == INT ]] || [[ $stops == at-once ]]; then
        [[ -z $at_once ]] && ((hosts > 1)) || kill_job
        at_once=yes
        : >"$scratch/at-once"
        # Once a rank has been killed, mpirun ends the ranks of other hosts.
        kill -KILL $(ranks) 2>/dev/null || kill -s TERM "$launcher" 2>/dev/null || true
    else
        [[ -n $before ]] || note "SIG$1: all ranks finish their step and write a checkpoint; Ctrl-C ends the job at once"
        ask_to_stop || true
    fi
}

# watch: ends an mpirun that would wait for ever: before the ranks start, for a host that is off the
# network or for room in TMPDIR, and after the ranks of this host have ended. It also forwards a
# stop signal that arrived before the ranks could catch it.
watch() {
    local rank='' seen='' gone=0 waited=0 ending=0 tick=0 why='a host of the job does not answer mpirun'
    ((hosts > 1)) || why="mpirun cannot start it: $(room)"
    set +e
    trap '' INT TERM HUP USR1 USR2
    while kill -0 "$launcher" 2>/dev/null; do
        if [[ -z $rank ]] || ! is_alive "$rank"; then rank=$(ranks); rank=${rank%%$'\n'*}; fi
        if [[ -n $rank ]]; then
            seen=yes gone=0
        elif [[ -n $seen ]] || { ((hosts == 1)) && pgrep --parent "$launcher" --runstates Z >/dev/null; }; then
            seen=yes
            ((++gone <= 2 * grace + 10)) || end_hanging "mpirun has not ended $((gone - 1)) s after the ranks here have: it waits for $(
                ((hosts == 1)) && echo "nothing ($(room))" || echo 'a lost host')"
        elif [[ -n $here ]]; then
            ((++waited <= start)) || end_hanging "no rank has started here in $start s, so $why"
        fi
        if [[ -e $scratch/at-once ]]; then
            ((++ending <= grace + 5)) || end_hanging "mpirun has not ended $ending s after it was asked to"
        elif [[ -e $scratch/asked ]] && ((--tick <= 0)); then
            # Repeated, in case one was lost.
            ! ask_to_stop || tick=5
        fi
        sleep 1 >/dev/null 2>&1
    done
}

end_hanging() {
    note "$1; killing it"
    : >"$scratch/hanging"
    kill_job
    exit
}

# Whether mpirun has refused the job as requested, which it would do every time.
is_refused() {
    (($1 == 1)) && [[ ! -e $scratch/told && ! -e $scratch/hanging && -s $scratch/reasons ]] &&
        ! grep --quiet --ignore-case 'non-zero status\|on signal\|daemon\|communication\|connect\|init failed' "$scratch/reasons"
}

# run_job COMMAND checkpoint|at-once [options]: runs a command of the program on all hosts, and ends
# the script with the job's exit code. The second argument is the effect of a stop signal.
run_job() {
    local name=$1 errors sifter watcher
    stops=$2 asked='' at_once='' launcher='' scratch=''
    shift 2
    # Set before everything that the traps guard.
    for signal in USR1 USR2 TERM INT HUP; do trap "on_signal $signal" "$signal"; done
    trap '[[ -z $scratch ]] || rm -rf "$scratch"' EXIT
    read_options "$@"
    plan "$name"
    if [[ -n $dry_run ]]; then
        echo "$(printf '%q ' "${command[@]}" | sed 's/ $//')"
        exit 0
    fi
    check_room
    scratch=$(mktemp -d) || stop "could not create a folder in TMPDIR, ${TMPDIR:-/tmp}"
    clean_hostfile

    ((EUID != 0)) || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle:-1}
    unset OMPI_COMM_WORLD_RANK
    stop_before_start
    began=$SECONDS
    exec {errors}> >(sift "$scratch")
    sifter=$!
    # In a session of its own: only this script receives Ctrl-C at a terminal, and a terminal that
    # closes does not end the job.
    (
        trap '' USR1 USR2
        trap - INT TERM HUP
        exec setsid "${command[@]}"
    ) </dev/null 2>&"$errors" &
    launcher=$!
    exec {errors}>&-
    [[ -z $asked ]] || : >"$scratch/asked"
    watch &
    watcher=$!
    # Otherwise bash would report its end.
    disown "$watcher"
    await "$launcher"
    # It ignores all other signals.
    kill -KILL "$watcher" 2>/dev/null || true
    end_job "$code" "$sifter"
}

# Passes mpirun a cleaned copy of a hostfile that it cannot read.
clean_hostfile() {
    local i
    [[ -n $hostfile ]] && grep --quiet $'\r\|^\xEF\xBB\xBF' "$hostfile" || return 0
    host_lines "$hostfile" >"$scratch/hosts"
    for i in "${!command[@]}"; do
        [[ ${command[i]} != "$hostfile" || ${command[i - 1]} != --hostfile ]] || { command[i]=$scratch/hosts; break; }
    done
}

stop_before_start() {
    [[ -n $asked ]] || return 0
    note "stopped by SIG$asked before the start; run the same command again to resume"
    [[ $stops == checkpoint ]] || exit 130
    exit 75
}

# end_job CODE SIFTER: shows mpirun's reasons and ends the script.
end_job() {
    local code=$1 i
    # Waits 3 s at most, since a process on another host may still hold standard error open.
    for ((i = 0; i < 30; i++)); do kill -0 "$2" 2>/dev/null || break; sleep 0.1; done
    [[ -z $at_once ]] || exit 130
    show_reasons "$scratch" "$code"
    if is_refused "$code"; then
        note "mpirun refused the job; the command was: ${command[*]}"
        exit 2
    fi
    # mpirun's own exit codes for lost hosts, and the code after `watch` has killed it.
    ((code <= 192)) && { ((code != 137)) || { ((hosts == 1)) && [[ ! -e $scratch/hanging ]]; }; } || code=6
    ((code != 1)) || [[ -s $scratch/reasons ]] || note "mpirun ended with exit code 1; the command was: ${command[*]}"
    exit "$code"
}
