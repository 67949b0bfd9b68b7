internal import Failures

/// An option that does not apply to the source or to another option, or a missing one; one line.
package struct SourceOptionError: CodedError, Equatable {
    package let description: String
    package let exitCode = ExitCode.usage

    init(_ description: String) { self.description = description }
}
