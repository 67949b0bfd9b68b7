/// Why bytes could not be read as a pickle: one line.
public struct PickleError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where in the pickle the reader was, in bytes from its front.
    public var offset: Int
    public var reason: String

    public init(offset: Int, reason: String) {
        self.offset = offset
        self.reason = reason
    }

    public var description: String { "at byte \(offset): \(reason)" }
}
