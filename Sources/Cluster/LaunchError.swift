internal import Failures

/// The reason why this process cannot join the other ranks of its job.
package struct LaunchError: CodedError, Equatable {
    /// What was found.
    package let problem: String
    /// What to do about it.
    package let remedy: String

    package var exitCode: Int32 { ExitCode.environment }

    package var description: String { "\(problem); \(remedy)" }
}
