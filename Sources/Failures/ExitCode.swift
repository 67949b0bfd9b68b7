/// The exit codes of the command line.
package enum ExitCode {
    package static let done: Int32 = 0
    /// Any error without a code of its own.
    package static let unexpected: Int32 = 1
    package static let usage: Int32 = 2
    package static let data: Int32 = 3
    package static let numeric: Int32 = 4
    package static let checkpoint: Int32 = 5
    package static let environment: Int32 = 6
    /// Stopped on request, with a checkpoint; run again to resume.
    package static let stopped: Int32 = 75
}
