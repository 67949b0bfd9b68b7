public import Failures

/// The error of a score's name or settings that cannot be used.
public struct ScoreError: CodedError, Equatable, Sendable {
    /// The score as it was written.
    public var found: String
    /// What is expected instead, in words.
    public var expected: String
    /// The name in `found` that is unknown; `nil` if all names are known.
    package var unknown: String?
    /// The names that are known in its place.
    package var known: [String]

    init(found: String, expected: String, unknown: String? = nil, known: [String] = []) {
        self.found = found
        self.expected = expected
        self.unknown = unknown
        self.known = known
    }

    /// 2 (usage or configuration).
    public var exitCode: Int32 { ExitCode.usage }

    /// What was found and what is expected; one line.
    public var description: String { "score is \(found), expected \(expected)" }
}
