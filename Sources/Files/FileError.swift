internal import Failures
internal import Foundation

/// Why a file or folder could not be read or written: one line with the system's message.
package struct FileError: CodedError, Equatable, Sendable {
    package var path: String
    package var reason: String
    /// Whether the system and not the file is at fault: no descriptor is left for it, or its disk
    /// or server does not answer.
    package var isSystemFault: Bool

    package init(path: String, reason: String, isSystemFault: Bool = false) {
        self.path = path
        self.reason = reason
        self.isSystemFault = isSystemFault
    }

    /// The error of the last failed system call on this thread, for `path`.
    package init(atFailureOf path: String) {
        self.init(path: path, reason: systemMessage(), isSystemFault: PassingFault.isSystemFault(errno))
    }

    /// An error of Foundation for `path`.
    package init(path: String, _ error: any Error) {
        self.init(path: path, reason: Self.reason(of: error))
    }

    package var exitCode: Int32 { ExitCode.environment }

    package var description: String {
        let remedy = "; check that the folder can be written to and the disk is not full"
        return "could not write \(path): \(reason)\(isSystemFault ? "" : remedy)"
    }

    /// The system's message, which Foundation keeps in the underlying error.
    private static func reason(of error: any Error) -> String {
        if let error = error as? FileError { return error.reason }
        let outer = error as NSError
        let inner = outer.userInfo[NSUnderlyingErrorKey] as? NSError ?? outer
        guard inner.domain == NSPOSIXErrorDomain else { return inner.localizedDescription }
        errno = Int32(inner.code)
        return systemMessage()
    }
}

/// The operating system's message for the last failed call on this thread, in lower case; if no
/// descriptor is left, which limit is reached and what to do. Leaves `errno` unchanged.
package func systemMessage() -> String {
    let code = errno
    defer { errno = code }
    if DescriptorLimit.isReached(code) { return DescriptorLimit.message(code) }
    return unsafe String(cString: strerror(code)).lowercased()
}
