/// A setting that takes one of a few names.
package protocol Choice: RawRepresentable<String>, CaseIterable, Codable, Equatable, Sendable {}

extension Choice {
    /// Decodes the name; throws `UnknownChoice` with the known names if it is none of them.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let choice = Self(rawValue: name) else {
            throw UnknownChoice(
                found: name, known: Self.allCases.map(\.rawValue), codingPath: decoder.codingPath)
        }
        self = choice
    }
}

/// The error of a name that is none of the choices.
struct UnknownChoice: Error {
    var found: String
    var known: [String]
    var codingPath: [any CodingKey]
}
