internal import Files
internal import HDF5

/// Why a checkpoint could not be written, found or used.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file or folder, as the user gave it.
    public var path: String
    /// What is wrong and, where that is not plain, how to mend it.
    public var reason: String
    /// Whether the file is not as it was written.
    public var isDamage: Bool
    /// Whether the file is not at fault: there is no descriptor left to open it with.
    public var isOutOfDescriptors: Bool

    public init(
        path: String, reason: String, isDamage: Bool = false, isOutOfDescriptors: Bool = false
    ) {
        self.path = path
        self.reason = reason
        self.isDamage = isDamage
        self.isOutOfDescriptors = isOutOfDescriptors
    }

    /// The path stands in front once; a file that cannot be written has its remedy with it.
    init(writing path: String, _ error: FileError) {
        let remedy = "; check that the folder can be written to and the disk is not full"
        self.init(
            path: path,
            reason: "could not write: \(error.reason)\(error.isOutOfDescriptors ? "" : remedy)",
            isOutOfDescriptors: error.isOutOfDescriptors)
    }

    /// A file that was opened and cannot be read.
    init(reading path: String, _ error: FileError) {
        self.init(path: path, reason: "could not read: \(error.reason)", isDamage: true)
    }

    init(path: String, _ error: HDF5Error, isDamage: Bool = false) {
        let what = error.object.map { "\(error.action) '\($0)'" } ?? error.action
        self.init(
            path: path, reason: "could not \(what): \(error.reason)",
            isDamage: isDamage && !error.isOutOfDescriptors, isOutOfDescriptors: error.isOutOfDescriptors)
    }

    public var description: String { "checkpoint \(path): \(reason)" }
}
