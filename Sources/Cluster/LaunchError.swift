/// The reason why this process cannot join the other ranks of its job.
public struct LaunchError: Error, Equatable, CustomStringConvertible {
    /// What was found.
    public let problem: String
    /// What to do about it.
    public let remedy: String

    public var description: String { "\(problem); \(remedy)" }
}
