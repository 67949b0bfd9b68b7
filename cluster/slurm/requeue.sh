# Shared by the batch scripts of this folder, which source it.

# run_and_requeue COMMAND …: runs a job that ends with 75 when the scheduler's signal has made it stop with a checkpoint,
# and then puts it back into the queue; it goes on from there.
run_and_requeue() {
    local code=0 child
    "$@" &
    child=$!
    trap 'kill -s USR1 "$child" 2>/dev/null || true' USR1 USR2 TERM
    while :; do
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    if ((code == 75)); then
        echo "$(date --iso-8601=seconds) job $SLURM_JOB_ID stopped with a checkpoint (start $((${SLURM_RESTART_COUNT:-0} + 1))); requeueing" >&2
        # SLURM_JOB_ID is that of the one task of an array, too.
        scontrol requeue "$SLURM_JOB_ID"
        # The scheduler ends this script; until then there is nothing to do.
        sleep 60
    fi
    return "$code"
}
