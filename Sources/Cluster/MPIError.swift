internal import Failures

/// A call to MPI that failed on this rank.
///
/// The state of the other ranks is then unknown; end the job with `Communicator.abort`.
package struct MPIError: CodedError, Equatable {
    /// The MPI function, such as `MPI_Sendrecv`.
    package let function: String
    /// The code that it returned.
    package let code: Int32
    /// MPI's text for the code.
    package let message: String
    /// The rank that called it; `nil` before MPI has assigned it.
    package let rank: Int?

    package var exitCode: Int32 { ExitCode.environment }

    package var description: String {
        let place = rank.map { " on rank \($0)" } ?? ""
        return "\(function) failed\(place): \(message) (code \(code))"
    }
}
