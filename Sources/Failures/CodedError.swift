/// An error with the exit code of a job that ends because of it.
///
/// Its description is one line: what failed, where, and how to fix it.
public protocol CodedError: Error, CustomStringConvertible {
    /// 1 unexpected, 2 usage or configuration, 3 data, 4 numerical failure, 5 checkpoint, 6
    /// environment, 75 stopped with a checkpoint to resume from.
    var exitCode: Int32 { get }
}

/// The exit code and the one-line message of an error; `ExitCode.unexpected` if it has no code.
package func failureReport(of error: any Error) -> (exitCode: Int32, message: String) {
    ((error as? any CodedError)?.exitCode ?? ExitCode.unexpected, "\(error)")
}
