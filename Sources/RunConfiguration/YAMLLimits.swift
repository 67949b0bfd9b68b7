internal import Yams

/// How large a configuration may be, as it is written and with its aliases replaced by what they stand for.
///
/// Nine levels of nine aliases each (an "alias bomb") are a text of 500 bytes and a document of 400 million values. The largest file of this
/// project has 11 kB and 1,500 values.
enum YAMLLimits {
    /// Bytes of a text.
    static let byteCount = 1 << 18
    /// Values in a document, those behind aliases counted as often as they are named.
    private static let nodeCount = 10_000
    /// Bytes of all its values, counted likewise.
    private static let valueByteCount = 1 << 20
    /// Mappings and lists in one another.
    private static let depth = 32
    /// Keys that look like mappings or lists, or that are written with '?'.
    private static let strangeKeyCount = 64

    /// What of a text cannot be read in bounded time and memory; `nil` if all of it can.
    ///
    /// The parser compares the keys of a mapping by all that they hold, so a key that is an alias takes as long as what it stands for. That
    /// is seen from marks in the text, also where they are not meant as such: a text with aliases may have no such key.
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

    /// What of a document is too large; `nil` if nothing is.
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
