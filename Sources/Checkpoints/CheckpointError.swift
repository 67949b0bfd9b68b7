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
    /// Whether the system and not the file is at fault: there is no descriptor left, or the disk or its server does not answer.
    public var isSystemFault: Bool

    public init(
        path: String, reason: String, isDamage: Bool = false, isSystemFault: Bool = false
    ) {
        self.path = path
        self.reason = reason
        self.isDamage = isDamage
        self.isSystemFault = isSystemFault
    }

    /// The path stands in front once; a file that cannot be written has its remedy with it.
    init(writing path: String, _ error: FileError) {
        let remedy = "; check that the folder can be written to and the disk is not full"
        self.init(
            path: path,
            reason: "could not write: \(error.reason)\(error.isSystemFault ? "" : remedy)",
            isSystemFault: error.isSystemFault)
    }

    /// A file that cannot be opened or read, which says nothing about its bytes.
    init(reading path: String, _ error: FileError) {
        let remedy = "; it may be whole: look after its disk, server and network, then start again"
        self.init(
            path: path, reason: "could not read: \(error.reason)\(error.isSystemFault ? remedy : "")",
            isSystemFault: error.isSystemFault)
    }

    init(path: String, _ error: HDF5Error, isDamage: Bool = false) {
        let what = error.object.map { "\(error.action) '\($0)'" } ?? error.action
        self.init(
            path: path, reason: "could not \(what): \(error.reason)",
            isDamage: isDamage && !error.isSystemFault, isSystemFault: error.isSystemFault)
    }

    public var description: String { "checkpoint \(path): \(reason)" }
}
