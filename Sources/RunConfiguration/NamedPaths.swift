/// Datasets by name, in the order in which they were written.
package struct NamedPaths: Equatable, Sendable, Codable, ExpressibleByDictionaryLiteral {
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Entry(name: $0, path: $1) })
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var names: [String] { entries.map(\.name) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        entries = try container.allKeys.map { key in
            Entry(name: key.stringValue, path: try container.decode(String.self, forKey: key))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        for entry in entries { try container.encode(entry.path, forKey: Name(stringValue: entry.name)) }
    }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
