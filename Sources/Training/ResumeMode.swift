internal import Checkpoints

/// What a run starts from.
public enum ResumeMode: Equatable, Sendable {
    /// The newest intact checkpoint of the run directory, or the beginning if there is none.
    case automatic
    /// The beginning, even if there are checkpoints.
    case never
    /// This file.
    case from(String)

    /// The checkpoint to resume from, and the errors of damaged newer ones.
    func find(
        in store: CheckpointStore
    ) throws(CheckpointError) -> (found: (checkpoint: Checkpoint, path: String)?, damaged: [CheckpointError])
    {
        switch self {
        case .never: return (nil, [])
        case .from(let path): return ((try CheckpointStore.load(path), path), [])
        case .automatic:
            guard let newest = try store.newest() else { return (nil, []) }
            return ((newest.checkpoint, newest.path), newest.damaged)
        }
    }
}

/// A job that a script starts again until it is done, such as a batch job that is requeued.
package struct RestartedJob: Equatable, Sendable {
    /// Unique to the job, and the same at all of its starts.
    package var identifier: String
    /// The resume mode of its first start, if this is a later one; `nil` if this is the first.
    package var firstResume: ResumeMode?

    package init(identifier: String, firstResume: ResumeMode? = nil) {
        self.identifier = identifier
        self.firstResume = firstResume
    }
}
