/// An error with the exit code of a job that ends because of it.
///
/// Its description is one line: what failed, where, and how to fix it.
public protocol CodedError: Error, CustomStringConvertible {
    /// One of `ExitCode`.
    var exitCode: Int32 { get }
}

/// The exit code and the one-line message of an error; `ExitCode.unexpected` if it has no code.
package func failureReport(of error: any Error) -> (exitCode: Int32, message: String) {
    ((error as? any CodedError)?.exitCode ?? ExitCode.unexpected, "\(error)")
}
