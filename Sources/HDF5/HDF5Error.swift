internal import Failures

/// Why a file could not be read or written: one line, with HDF5's innermost error message.
package struct HDF5Error: CodedError, Equatable, Sendable {
    /// What was tried, as in "could not *open*".
    package var action: String
    /// The file's path, as the caller gave it.
    package var file: String
    /// The path inside the file of the dataset, group or attribute, if the error is about one.
    package var object: String?
    /// The cause, with the name of the call if a call of the library failed.
    package var reason: String
    /// Whether the system and not the file is at fault: no file descriptor is left, or the disk or
    /// its server does not answer.
    package var isSystemFault: Bool

    package init(
        action: String, file: String, object: String? = nil, reason: String, isSystemFault: Bool = false
    ) {
        self.action = action
        self.file = file
        self.object = object
        self.reason = reason
        self.isSystemFault = isSystemFault
    }

    package var exitCode: Int32 { isSystemFault ? ExitCode.environment : ExitCode.data }

    package var description: String {
        let what = object.map { "\(action) '\($0)'" } ?? action
        return "could not \(what), \(file): \(reason)"
    }
}
