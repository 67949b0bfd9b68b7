# Shared by the batch scripts of this folder, which source it with the package's root in `root`.

source "$root/launch/common.sh"

# run_and_requeue COMMAND ARGUMENT …: runs a job that ends with 75 when the scheduler's signal has made it stop with a checkpoint, and then puts
# it back into the queue; it goes on from there. A stop that no signal asked for, as by training.stopAfterSteps, is the job's end.
#
# --resume and --take-over among the arguments hold for the first start alone.
run_and_requeue() {
    local code=0 child='' asked='' command=$1 arguments
    shift
    arguments_of_start "${SLURM_RESTART_COUNT:-0}" "slurm-${SLURM_CLUSTER_NAME:-}-$SLURM_JOB_ID" "$@"
    # Before the job that it guards.
    trap 'asked=yes; [[ -z $child ]] || hand_on USR1 "$child"' USR1 USR2 TERM
    "$command" ${arguments[@]+"${arguments[@]}"} &
    child=$!
    [[ -z $asked ]] || hand_on USR1 "$child"
    await "$child"
    if ((code == 75)) && [[ -n $asked ]]; then
        echo "$(date --iso-8601=seconds) job $SLURM_JOB_ID stopped with a checkpoint (start $((${SLURM_RESTART_COUNT:-0} + 1))); requeueing" >&2
        # SLURM_JOB_ID is that of the one task of an array, too.
        scontrol requeue "$SLURM_JOB_ID"
        # The scheduler ends this script; until then there is nothing to do.
        sleep 60
    fi
    return "$code"
}
