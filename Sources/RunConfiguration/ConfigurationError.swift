/// A setting that cannot be used: *key is found, expected what*.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where a setting was written.
    public struct Origin: Equatable, Sendable, CustomStringConvertible {
        /// The file as the user named it, or the `--set` argument.
        public var file: String
        /// From 1, where known.
        public var line: Int?

        public init(file: String, line: Int? = nil) {
            self.file = file
            self.line = line
        }

        public var description: String { line.map { "\(file), line \($0)" } ?? file }
    }

    /// The whole key, as `optimizer.momentum`.
    public var key: String
    /// What was found there.
    public var found: String
    /// What should be there.
    public var expected: String
    /// The known key or name that was most likely meant.
    public var suggestion: String?
    /// Where it was written; `nil` for a default.
    public var origin: Origin?
    /// Further settings of the same configuration that cannot be used, in the order in which they were found.
    public var others: [ConfigurationError] = []

    public init(
        key: String, found: String, expected: String, suggestion: String? = nil, origin: Origin? = nil
    ) {
        self.key = key
        self.found = found
        self.expected = expected
        self.suggestion = suggestion
        self.origin = origin
    }

    public var description: String {
        let place = origin.map { "\($0): " } ?? ""
        let hint = suggestion.map { "; did you mean \($0)?" } ?? ""
        // What the file says, the errors of this project alone are sure to be short.
        let own = """
            \(place)\(shortened(key, to: 120)) is \(shortened(found, to: 240)), expected \(expected)\(hint)
            """
        return ([own] + others.map { "also \($0)" }).joined(separator: "; ")
    }
}

/// Numbers of records, steps and bytes that may be added and multiplied with one another's like.
let counts = 0..<1 << 40

/// A text of at most about `limit` characters: of a longer one its beginning, and how much was left out.
func shortened(_ text: String, to limit: Int) -> String {
    // Bytes are counted at once, characters one by one.
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
