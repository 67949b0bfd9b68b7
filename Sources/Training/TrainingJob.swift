internal import Cluster

/// What a rank of a training job talks to: the other ranks, the caller, the profiler.
struct TrainingJob {
    let communicator: any Communicator
    let observer: (TrainingEvent) -> Void
    /// The reason for which this rank is asked to stop, if it is.
    let stopRequest: () -> String?
    let phases: StepProfiler
}
