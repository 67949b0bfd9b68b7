internal import Files
internal import HDF5

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

    /// The path stands in front once; a file that cannot be written has its remedy with it.
    init(_ error: FileError) {
        self.init(
            path: error.path,
            reason: """
                could not write: \(error.reason); check that the folder can be written to and the disk is not full
                """)
    }

    init(path: String, _ error: HDF5Error) {
        let what = error.object.map { "\(error.action) '\($0)'" } ?? error.action
        self.init(path: path, reason: "could not \(what): \(error.reason)")
    }

    public var description: String { "checkpoint \(path): \(reason)" }
}
