internal import Failures
internal import Files
internal import HDF5

/// Why a checkpoint could not be written, found or used.
package struct CheckpointError: CodedError, Equatable, Sendable {
    /// The file or folder, as the user gave it.
    package var path: String
    /// What is wrong and, if it is not obvious, how to fix it.
    package var reason: String
    /// Whether the file's bytes differ from those that were written.
    package var isDamage: Bool
    /// Whether the system and not the file is at fault: no file descriptor is left, or the disk or
    /// its server does not answer.
    package var isSystemFault: Bool

    package init(
        path: String, reason: String, isDamage: Bool = false, isSystemFault: Bool = false
    ) {
        self.path = path
        self.reason = reason
        self.isDamage = isDamage
        self.isSystemFault = isSystemFault
    }

    /// A file that cannot be written. The description names the path once, in front; the reason
    /// contains the remedy.
    init(writing path: String, _ error: FileError) {
        let remedy = "; check that the folder can be written to and the disk is not full"
        self.init(
            path: path,
            reason: "could not write: \(error.reason)\(error.isSystemFault ? "" : remedy)",
            isSystemFault: error.isSystemFault)
    }

    /// A file that cannot be opened or read; its bytes may be intact.
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

    package var exitCode: Int32 { isSystemFault ? ExitCode.environment : ExitCode.checkpoint }

    package var description: String { "checkpoint \(path): \(reason)" }
}
