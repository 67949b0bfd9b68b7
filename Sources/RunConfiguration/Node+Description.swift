internal import Yams

extension Node {
    /// One line that shows the node as a user would write it.
    var brief: String {
        switch self {
        case .scalar(let scalar):
            switch scalar.style {
            case .any, .plain: scalar.string.isEmpty ? "empty" : scalar.string
            default: "'\(scalar.string)'"
            }
        case .sequence(let elements): "[\(elements.map(\.brief).joined(separator: ", "))]"
        case .mapping(let pairs):
            "{\(pairs.map { "\($0.key.brief): \($0.value.brief)" }.joined(separator: ", "))}"
        case .alias(let alias): "*\(alias.anchor.rawValue)"
        }
    }

    /// Whether the value is empty or `null`.
    var isNull: Bool { scalar != nil && tag == Tag(.null) }

    /// The keys in their order.
    var keys: [String] { mapping?.keys.map { $0.scalar?.string ?? $0.brief } ?? [] }

    /// The value of `key` in a mapping.
    func value(of key: String) -> Node? {
        mapping?.first { $0.key.scalar?.string == key }?.value
    }

    /// The mapping with `key` set: in place if the key exists, otherwise at the end.
    func setting(_ key: String, to value: Node) -> Node {
        var pairs = mapping.map { $0.map { ($0.key, $0.value) } } ?? []
        if let index = keys.firstIndex(of: key) {
            pairs[index].1 = value
        } else {
            pairs.append((Node(key), value))
        }
        return Node(pairs, .implicit, .block)
    }

    /// The mapping with the value at `path` replaced.
    func replacing(_ path: ArraySlice<String>, by value: Node) -> Node {
        guard let key = path.first else { return value }
        return setting(key, to: (self.value(of: key) ?? Node("")).replacing(path.dropFirst(), by: value))
    }
}
