/// One score of `evaluation.scores`: its name, with settings if some follow it.
///
/// A configuration has it as a text, `msp` or `knn:k=200`, or as a mapping, `{knn: {k: 200}}`; it is
/// written as the text.
package struct ScoreEntry: Hashable, Sendable, Codable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name and the settings, such as `knn:k=200`.
    package var text: String

    package init(_ text: String) { self.text = text }

    package init(stringLiteral value: String) { text = value }

    /// The name without the settings.
    package var name: String { String(text.prefix { $0 != ":" }) }

    package var description: String { text }

    package init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self.text = text
            return
        }
        guard let names = try? decoder.container(keyedBy: Name.self), names.allKeys.count == 1,
            let name = names.allKeys.first,
            let settings = try? names.nestedContainer(keyedBy: Name.self, forKey: name),
            let values = try? settings.allKeys.map({
                ($0.stringValue, try settings.decode(String.self, forKey: $0))
            })
        else {
            throw DecodingError.typeMismatch(
                ScoreEntry.self, .init(codingPath: decoder.codingPath, debugDescription: "no score"))
        }
        text = ([name.stringValue] + values.map { "\($0)=\($1)" }).joined(separator: ":")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
