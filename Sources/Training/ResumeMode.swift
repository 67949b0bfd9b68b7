internal import Checkpoints

/// What a run starts from.
public enum ResumeMode: Equatable, Sendable {
    /// The newest whole checkpoint of the run directory, or the beginning if there is none.
    case automatic
    /// The beginning, whatever there is.
    case never
    /// This file.
    case from(String)

    /// The checkpoint to go on from, and damaged newer ones.
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

/// A job that a script starts again until it is done, such as a batch job that is put back into the queue.
public struct RestartedJob: Equatable, Sendable {
    /// The same at all of its starts, and of no other job.
    public var identifier: String
    /// What its first start was told to begin from, where this is a later one; `nil` where this is the first.
    public var firstResume: ResumeMode?

    public init(identifier: String, firstResume: ResumeMode? = nil) {
        self.identifier = identifier
        self.firstResume = firstResume
    }
}
