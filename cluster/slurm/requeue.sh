# Shared by the batch scripts of this folder, which source it with the package's root in `root`.

source "$root/launch/common.sh"

# run_and_requeue COMMAND ARGUMENT …: runs a job. If the scheduler's signal has stopped it with a
# checkpoint (exit code 75), puts it back into the queue, from where it resumes. A stop without a
# signal, as by training.stopAfterSteps, ends the job.
#
# --resume and --take-over among the arguments apply to the first start only.
run_and_requeue() {
    local code=0 child='' asked='' command=$1 arguments
    shift
    arguments_of_start "${SLURM_RESTART_COUNT:-0}" "slurm-${SLURM_CLUSTER_NAME:-}-$SLURM_JOB_ID" "$@"
    # Set before the job that the trap guards.
    trap 'asked=yes; [[ -z $child ]] || hand_on USR1 "$child"' USR1 USR2 TERM
    "$command" ${arguments[@]+"${arguments[@]}"} &
    child=$!
    [[ -z $asked ]] || hand_on USR1 "$child"
    await "$child"
    if ((code == 75)) && [[ -n $asked ]]; then
        echo "$(date --iso-8601=seconds) job $SLURM_JOB_ID stopped with a checkpoint (start $((${SLURM_RESTART_COUNT:-0} + 1))); requeueing" >&2
        # In an array SLURM_JOB_ID is the single task's, too.
        scontrol requeue "$SLURM_JOB_ID"
        # The scheduler ends this script; nothing is left to do until then.
        sleep 60
    fi
    return "$code"
}
