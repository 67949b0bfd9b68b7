public import Failures

/// A setting that cannot be used: *key is found, expected what*.
public struct ConfigurationError: CodedError, Equatable, Sendable {
    /// Where a setting was written.
    public struct Origin: Equatable, Sendable, CustomStringConvertible {
        /// The file as the user named it, or the `--set` argument.
        public var file: String
        /// The line number, from 1; `nil` if unknown.
        public var line: Int?

        /// A place in a file; without a line, the whole file.
        public init(file: String, line: Int? = nil) {
            self.file = file
            self.line = line
        }

        /// `<file>, line <line>`.
        public var description: String { line.map { "\(file), line \($0)" } ?? file }
    }

    /// The full key, such as `optimizer.momentum`.
    public var key: String
    /// The value that was found.
    public var found: String
    /// The expected value, in words.
    public var expected: String
    /// The known key or name that was most likely meant.
    public var suggestion: String?
    /// Where it was written; `nil` for a default.
    public var origin: Origin?
    /// Further faults of the same configuration, in the order in which they were found.
    public var others: [ConfigurationError] = []

    /// A fault of one setting.
    public init(
        key: String, found: String, expected: String, suggestion: String? = nil, origin: Origin? = nil
    ) {
        self.key = key
        self.found = found
        self.expected = expected
        self.suggestion = suggestion
        self.origin = origin
    }

    /// 2 (usage or configuration).
    public var exitCode: Int32 { ExitCode.usage }

    /// The fault and the `others`, each with its place and the suggestion; one line.
    public var description: String {
        let place = origin.map { "\($0): " } ?? ""
        let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
        // Key and value are from the user's file and may be long; only this project's own texts are
        // always short.
        let own = """
            \(place)\(shortened(key, to: 120)) is \(shortened(found, to: 240)), expected \(expected)\(hint)
            """
        return ([own] + others.map { "also \($0)" }).joined(separator: "; ")
    }
}

/// The valid range for numbers of records, steps and bytes, which leaves room to add and multiply
/// them.
let counts = 0..<1 << 40

/// The text, cut to about `limit` characters; a cut text ends with the number of omitted
/// characters.
func shortened(_ text: String, to limit: Int) -> String {
    // Counting bytes takes constant time, counting characters linear time.
    guard text.utf8.count > limit, text.count > limit else { return text }
    return "\(text.prefix(limit))… (\(text.count - limit) more characters)"
}

/// Refuses the setting unless `isValid`.
func check(
    _ isValid: Bool, _ key: String, _ found: some CustomStringConvertible, _ expected: String
) throws(ConfigurationError) {
    guard isValid else {
        let text = found.description
        throw ConfigurationError(key: key, found: text.isEmpty ? "empty" : text, expected: expected)
    }
}
