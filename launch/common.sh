# Shared by the scripts of launch/, tools/, cluster/slurm/ and .ci/, which source it: the package's
# root, packages, the toolchain, mpirun.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
packages=(
    libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-dev libturbojpeg0-dev libjpeg-dev libspng-dev libwebp-dev libarchive-dev liblzma-dev zlib1g-dev pkg-config
)
export T2FNORM_CPU=${T2FNORM_CPU:-native}

# Writing to a closed terminal fails, which is no reason to end a job.
say() { echo "$*" >&2 || true; }

# Prints a line about a job: with the time in a log, over a progress bar on a terminal.
note() {
    if [[ -t 2 ]]; then say "$(over_bar "${0##*/}: $*")"; else say "$(date --iso-8601=seconds) ${0##*/}: $*"; fi
}

# over_bar LINE: prints the line, preceded on a terminal by the escape sequence or blanks that erase
# a progress bar.
over_bar() {
    if [[ ! -t 2 || ${TERM:-dumb} == dumb ]]; then
        printf '%s\n' "$1"
    elif [[ -n ${NO_COLOR:-} ]]; then
        local size
        size=$(stty size <&2 2>/dev/null) || size='24 80'
        printf '\r%*s\r%s\n' "$((${size#* } - 1))" '' "$1"
    else
        printf '\r\e[K%s\n' "$1"
    fi
}

# Ends the script with a line and exit code 6 (environment).
stop() {
    say "${0##*/}: $*"
    exit 6
}

# Prints a script's opening comment as its help, and ends the script.
help_and_exit() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
}

missing_packages() {
    local package
    for package in "${packages[@]}"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

# Installs missing packages; without the right to do so, prints the command to run.
install_packages() {
    command -v dpkg-query >/dev/null ||
        stop "this is no Debian system; install Open MPI, OpenBLAS, HDF5, TurboJPEG, libjpeg, libspng, libwebp, libarchive, liblzma, zlib (with" \
            "headers) and pkg-config, then run: swift build -c release"
    local missing privilege=()
    mapfile -t missing < <(missing_packages)
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        sudo -n true 2>/dev/null || [[ -t 0 && -n $(command -v sudo) ]] ||
            stop "packages are missing; run: sudo apt-get install --yes ${missing[*]}"
        privilege=(sudo)
    fi
    logged packages "installing ${missing[*]}" "${privilege[@]}" env DEBIAN_FRONTEND=noninteractive bash -c \
        'apt-get update && apt-get install --yes --no-install-recommends "$@"' - "${missing[@]}"
}

# logged NAME NOTICE COMMAND …: runs a command with its output in .build/setup-NAME.log; prints
# NOTICE if it takes longer than a few seconds, and the errors if it fails.
logged() {
    local log=$root/.build/setup-$1.log notice=$2 slow code=0
    shift 2
    mkdir -p "$root/.build"
    (
        sleep 4 >/dev/null 2>&1
        say "$notice"
    ) &
    slow=$!
    "$@" >"$log" 2>&1 || code=$?
    { kill "$slow" && wait "$slow"; } 2>/dev/null || true
    ((code == 0)) && return 0
    grep -E 'error:|^E: ' "$log" | sort -u | head -20 >&2 || tail -n 20 "$log" >&2
    stop "failed with exit code $code; the whole log: $log"
}

check_swift() {
    command -v swift >/dev/null ||
        stop "no swift found; install Swift 6.3 or later (https://www.swift.org/install/linux) and put it on PATH"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -1)
    [[ -n $version && $(printf '%s\n' 6.3 "$version" | sort --version-sort | head -1) == 6.3 ]] ||
        stop "swift is version ${version:-unknown}, expected 6.3 or later (https://www.swift.org/install/linux)"
}

build() {
    logged build "building t2fnorm for CPU $T2FNORM_CPU, some minutes the first time" \
        swift build --package-path "$root" -c release --product t2fnorm
}

# Lets mpirun work as root, in containers, with more ranks than cores, and beside other programs: a
# waiting rank yields its core.
allow_mpirun() {
    if ((EUID == 0)); then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_rmaps_base_oversubscribe=${OMPI_MCA_rmaps_base_oversubscribe:-1}
    export OMPI_MCA_mpi_yield_when_idle=${OMPI_MCA_mpi_yield_when_idle:-1}
    export OMPI_MCA_hwloc_base_binding_policy=${OMPI_MCA_hwloc_base_binding_policy:-none}
}

# sift FOLDER: forwards a job's standard error, except the paragraphs that mpirun puts between
# rules: they go to FOLDER/reasons. FOLDER/told is created once the program itself has given the
# reason of its end.
sift() {
    local line rest='' paragraph='' rule='^-{60,}$' code
    trap '' INT TERM HUP USR1 USR2
    while :; do
        code=0
        # A paragraph that does not end was not one of mpirun's.
        if [[ -n $paragraph ]]; then IFS= read -r -t 3 line || code=$?; else IFS= read -r line || code=$?; fi
        line=$rest$line rest=''
        if ((code > 128)); then
            rest=$line
            printf '%s' "$paragraph" >&2
            paragraph=''
        elif [[ $line == 't2fnorm: '* ]]; then
            [[ $line == 't2fnorm: note: '* ]] || : >"$1/told"
            over_bar "$line" >&2
        elif [[ $line =~ $rule ]]; then
            if [[ -n $paragraph ]]; then
                printf '%s' "${paragraph#*$'\n'}" >>"$1/reasons"
                paragraph=''
            else
                paragraph=$line$'\n'
            fi
        elif [[ -n $paragraph ]]; then
            paragraph+=$line$'\n'
        elif [[ $line == 'mpirun: Forwarding signal '* || $line == *' sent help message '* || $line == *'"orte_base_help_aggregate"'* ]]; then
            echo "$line" >>"$1/repeated"
        elif ((code == 0)) || [[ -n $line ]]; then
            over_bar "$line" >&2
        fi
        ((code == 0 || code > 128)) || break
    done
    printf '%s' "$paragraph" >&2
}

# show_reasons FOLDER CODE: prints mpirun's paragraphs, unless the exit code is the program's own
# and the program has given the reason.
show_reasons() {
    case $2 in
        0 | 75) return 0 ;;
        2 | 3 | 4 | 5 | 6) [[ ! -e $1/told ]] || return 0 ;;
    esac
    if [[ -s $1/reasons ]]; then
        note "mpirun ended with exit code $2 and says:"
        sed 's/^/    /' "$1/reasons" >&2 || true
    fi
    # If several ranks ended, mpirun does not always say how.
    (($2 > 128 && $2 <= 192)) && [[ ! -e $1/hanging ]] && ! grep --quiet 'on signal\|unable to launch' "$1/reasons" 2>/dev/null || return 0
    note "a rank was ended by signal $(($2 - 128)) ($(kill -l $(($2 - 128)) 2>/dev/null || echo unknown))"
}

# catches PROCESS: whether a process catches SIGUSR1; otherwise the signal would end it.
catches() {
    local mask
    mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 1
    ((16#${mask:-0} & 16#200))
}

# hand_on SIGNAL PROCESS: forwards a signal to a script once the script catches it.
hand_on() {
    while kill -0 "$2" 2>/dev/null; do
        if catches "$2"; then
            kill -s "$1" "$2" 2>/dev/null || true
            return 0
        fi
        sleep 0.1
    done
}

# await PROCESS: waits for a child, whatever signals arrive meanwhile, and leaves its exit code in
# `code`.
await() {
    local again
    while :; do
        code=0
        wait "$1" 2>/dev/null || code=$?
        ((code > 128)) || return 0
        kill -0 "$1" 2>/dev/null || break
    done
    # A signal may have arrived just when the child had ended.
    again=0
    wait "$1" 2>/dev/null || again=$?
    ((again == 127)) || code=$again
}

# run_ranks COUNT PROGRAM …: runs mpirun, and shows its paragraphs only if they explain a failure.
run_ranks() {
    local count=$1 code=0 folder errors sifter
    shift
    command -v "$1" >/dev/null || stop "no program $1; run launch/setup"
    allow_mpirun
    folder=$(mktemp -d)
    exec {errors}> >(sift "$folder")
    sifter=$!
    mpirun -n "$count" "$@" 2>&"$errors" || code=$?
    exec {errors}>&-
    wait "$sifter" || true
    show_reasons "$folder" "$code"
    rm -rf "$folder"
    return "$code"
}

# arguments_of_start COUNT JOB ARGUMENT …: sets the array `arguments` to the arguments of start
# number COUNT, from 0, of a job.
#
# --resume and --take-over apply to the first start only: later starts resume from the newest
# checkpoint, or the job would never end. Later starts also get the first start's --resume, since
# that start may have failed before it wrote a checkpoint, and the job's name, which identifies the
# job's checkpoints.
arguments_of_start() {
    local count=$1 job=$2 first=''
    shift 2
    arguments=()
    while (($#)); do
        case $1 in
            --resume)
                first=${2:-}
                ((count > 0)) || arguments+=("${@:1:2}")
                (($# == 1)) || shift
                ;;
            --resume=*)
                first=${1#*=}
                ((count > 0)) || arguments+=("$1")
                ;;
            --take-over) ((count > 0)) || arguments+=("$1") ;;
            *) arguments+=("$1") ;;
        esac
        shift
    done
    [[ -n $first && $first != auto ]] || return 0
    arguments+=(--job "$job")
    ((count == 0)) || arguments+=(--resume auto --first-resume "$first")
}

# both ONE OTHER: runs two command lines concurrently; 1 if one of them fails.
both() {
    local first code=0
    bash -c "exec $1" &
    first=$!
    bash -c "exec $2" || code=1
    wait "$first" || code=1
    return "$code"
}

# watched_tests COMMAND …: runs a command, or a function of this file, whose output is that of
# `swift test`. If it prints no line for T2FNORM_TEST_SILENCE seconds (default 1800), a test hangs
# that its own time limit cannot end: prints the tests that have started and not ended, and ends all
# of them. If several runs of tests ran concurrently, the last line is their sum.
watched_tests() {
    local silence=${T2FNORM_TEST_SILENCE:-1800} pipe line runner code=0 status input closing=()
    local -A running=()
    pipe=$(mktemp -u "${TMPDIR:-/tmp}/t2fnorm-tests.XXXXXX")
    mkfifo "$pipe"
    # bash starts background processes with SIGINT ignored, and the jobs that tests interrupt would
    # inherit that.
    (
        trap - INT QUIT
        exec setsid bash -c 'source "$0"; "$@"' "$root/launch/common.sh" "$@"
    ) >"$pipe" 2>&1 &
    runner=$!
    trap 'kill -TERM -- "-$runner" 2>/dev/null || true' INT TERM
    exec {input}<"$pipe"
    rm -f "$pipe"
    while true; do
        status=0
        IFS= read -r -t "$silence" -u "$input" line || status=$?
        if ((status > 128)); then
            say "no test has ended for $silence s; these have started and not ended:"
            ((${#running[@]} == 0)) || printf '  %s\n' "${!running[@]}" | sort >&2
            kill -KILL -- "-$runner" 2>/dev/null || true
            wait "$runner" 2>/dev/null || true
            return 1
        fi
        ((status == 0)) || { [[ -z $line ]] || printf '%s' "$line"; break; }
        printf '%s\n' "$line"
        if [[ $line =~ Test\ (.+)\ started\.$ ]]; then
            running[${BASH_REMATCH[1]}]=1
        elif [[ $line =~ Test\ run\ with\ [0-9]+\ test ]]; then
            closing+=("$line")
        elif [[ $line =~ Test\ (.+)\ (passed|failed)\ after ]]; then
            unset "running[${BASH_REMATCH[1]% with *}]"
        fi
    done
    exec {input}<&-
    wait "$runner" || code=$?
    trap - INT TERM
    # A run that crashes has no closing line; a run that passed must not hide it.
    if ((code != 0 && ${#closing[@]} > 0)) && [[ ${closing[*]} != *failed* ]]; then closing+=('✘ Test run failed'); fi
    ((${#closing[@]} < 2)) || printf '%s\n' "${closing[@]}" | sum_of_runs
    return "$code"
}

# sum_of_runs: combines the closing lines of several runs of tests into the line of a single run.
sum_of_runs() {
    awk '{
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^tests?$/) tests += $(i - 1)
            if ($i ~ /^suites?$/) suites += $(i - 1)
            if ($i ~ /^seconds\.?$/ && $(i - 1) > seconds) seconds = $(i - 1)
            if ($i ~ /^issues?/ && $(i - 1) != "known") issues += $(i - 1)
            if ($i == "known") {
                number = $(i - 1)
                sub(/\(/, "", number)
                known += number
                # In a run that passed, the known issues are all issues.
                if ($(i - 2) == "with") issues += $(i - 1)
            }
            if ($i == "failed") failed = 1
        }
    } END {
        printf "%s Test run with %d tests in %d suites %s after %.3f seconds", failed ? "✘" : "✔", tests, suites, failed ? "failed" : "passed", seconds
        if (issues) printf " with %d issues", issues
        if (issues && known) printf " (including %d known)", known
        print "."
    }'
}

# test_summary LOG: prints the closing line of a run of tests with the number of skipped tests,
# which the line lacks.
test_summary() {
    local line skipped
    line=$(grep -E 'Test run with [0-9]+ tests?' "$1" | tail -1)
    skipped=$(grep -cE '(^|[^[:alnum:]])Test .+ skipped(:|\.|$)' "$1" || true)
    echo "${line:-no test has run}; $skipped skipped"
}
