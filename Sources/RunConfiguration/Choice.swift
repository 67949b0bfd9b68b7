/// A setting that takes one of a few names.
public protocol Choice: RawRepresentable<String>, CaseIterable, Codable, Equatable, Sendable {}

extension Choice {
    /// Reads the name, or says which ones there are.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let choice = Self(rawValue: name) else {
            throw UnknownChoice(
                found: name, known: Self.allCases.map(\.rawValue), codingPath: decoder.codingPath)
        }
        self = choice
    }
}

/// A name that none of the choices has.
struct UnknownChoice: Error {
    var found: String
    var known: [String]
    var codingPath: [any CodingKey]
}
