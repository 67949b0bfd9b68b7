internal import Yams

/// The size limits of a configuration, as written and with its aliases expanded.
///
/// Nine levels of nine aliases each (an "alias bomb") are a text of 500 bytes and a document of 400
/// million values. The largest file of this project has 11 kB and 1,500 values.
enum YAMLLimits {
    /// The largest number of bytes of a text.
    static let byteCount = 1 << 18
    /// The largest number of values in a document; values behind an alias count as often as the
    /// alias is used.
    private static let nodeCount = 10_000
    /// The largest number of bytes of all its values, counted likewise.
    private static let valueByteCount = 1 << 20
    /// The largest nesting depth of mappings and lists.
    private static let depth = 32
    /// The largest number of keys that look like mappings or lists, or that are written with '?'.
    private static let strangeKeyCount = 64

    /// The reason why a text cannot be read in bounded time and memory; `nil` if it can.
    ///
    /// The parser compares the keys of a mapping by their whole contents, so a key that is an alias
    /// takes as long as its expansion. Such keys are recognised by characters in the text, even if
    /// these have another meaning there: a text with aliases must not have any such key.
    static func problem(of text: String) -> String? {
        let byteCount = text.utf8.count
        guard byteCount <= Self.byteCount else {
            return "\(byteCount) bytes long, at most \(Self.byteCount) are read"
        }
        let marks = YAMLMarks(text)
        guard marks.strangeKeys <= (marks.hasAliases ? 0 : strangeKeyCount) else {
            return "with lists, mappings or aliases for keys"
        }
        return nil
    }

    /// The limit that a document exceeds; `nil` if it exceeds none.
    static func problem(of document: Node) -> String? {
        var (nodes, bytes) = (nodeCount, valueByteCount)
        return problem(of: document, &nodes, &bytes, depth: 0)
    }

    private static func problem(
        of node: Node, _ nodes: inout Int, _ bytes: inout Int, depth: Int
    ) -> String? {
        nodes -= 1
        guard nodes >= 0 else { return "of more than \(nodeCount) values, aliases counted in full" }
        guard depth <= Self.depth else { return "nested more than \(Self.depth) deep" }
        switch node {
        case .scalar(let scalar):
            bytes -= scalar.string.utf8.count
            return bytes >= 0 ? nil : "of more than \(valueByteCount) bytes, aliases counted in full"
        case .sequence(let elements):
            for element in elements {
                if let problem = problem(of: element, &nodes, &bytes, depth: depth + 1) { return problem }
            }
        case .mapping(let pairs):
            for (key, value) in pairs {
                if let problem = problem(of: key, &nodes, &bytes, depth: depth + 1) { return problem }
                if let problem = problem(of: value, &nodes, &bytes, depth: depth + 1) { return problem }
            }
        case .alias: break
        }
        return nil
    }
}
