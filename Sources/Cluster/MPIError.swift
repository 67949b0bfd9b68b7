/// A call to MPI that failed on this rank.
///
/// The state of the other ranks is then unknown; end the job with `Communicator.abort`.
public struct MPIError: Error, Equatable, CustomStringConvertible {
    /// The MPI function, such as `MPI_Sendrecv`.
    public let function: String
    /// The code that it returned.
    public let code: Int32
    /// MPI's text for the code.
    public let message: String
    /// The rank that called it; `nil` before MPI has assigned it.
    public let rank: Int?

    public var description: String {
        let place = rank.map { " on rank \($0)" } ?? ""
        return "\(function) failed\(place): \(message) (code \(code))"
    }
}
