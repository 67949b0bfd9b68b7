/// Why a checkpoint could not be written, found or used.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file or folder, as the user gave it.
    public var path: String
    /// What is wrong and, where that is not plain, how to mend it.
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "checkpoint \(path): \(reason)" }
}
