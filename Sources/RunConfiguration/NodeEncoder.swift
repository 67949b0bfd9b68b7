internal import Yams

/// The YAML node of settings: keys in the order of their properties, numbers with all their digits.
///
/// Yams' own encoder rounds to 15 digits, so a configuration would load again with other values.
func node(of value: some Encodable) -> Node {
    let slot = Slot()
    do {
        try slot.encode(value, codingPath: [])
    } catch {
        preconditionFailure("settings that cannot be written: \(error)")
    }
    return slot.node
}

/// A place in the document that is being built.
private final class Slot {
    private enum Content {
        case scalar(Node)
        case mapping([(key: String, value: Slot)])
        case sequence([Slot])
    }

    private var content = Content.mapping([])

    var node: Node {
        switch content {
        case .scalar(let node): node
        case .mapping(let pairs): Node(pairs.map { (text($0.key), $0.value.node) }, .implicit, .block)
        case .sequence(let elements): Node(elements.map(\.node), .implicit, .flow)
        }
    }

    func beginMapping() { content = .mapping([]) }
    func beginSequence() { content = .sequence([]) }

    func add(key: String) -> Slot {
        guard case .mapping(let pairs) = content else { preconditionFailure("\(key) outside of a mapping") }
        let slot = Slot()
        content = .mapping(pairs + [(key, slot)])
        return slot
    }

    func addElement() -> Slot {
        guard case .sequence(let elements) = content else {
            preconditionFailure("an element outside of a sequence")
        }
        let slot = Slot()
        content = .sequence(elements + [slot])
        return slot
    }

    var elementCount: Int {
        guard case .sequence(let elements) = content else { return 0 }
        return elements.count
    }

    func encodeNull() { content = .scalar(Node("null")) }

    func encode(_ value: some Encodable, codingPath: [any CodingKey]) throws {
        switch value {
        case let value as String: content = .scalar(text(value))
        case let value as Bool: content = .scalar(Node("\(value)"))
        case let value as Double: content = .scalar(Node(number(value)))
        case let value as any BinaryInteger: content = .scalar(Node("\(value)"))
        default: try value.encode(to: NodeEncoder(slot: self, codingPath: codingPath))
        }
    }
}

/// A scalar that is read as text again, quoted if necessary.
private func text(_ value: String) -> Node {
    let plain = Node.Scalar(value)
    return .scalar(
        Node.scalar(plain).tag == Tag(.str) ? plain : Node.Scalar(value, Tag(.str), .singleQuoted))
}

private func number(_ value: Double) -> String {
    if value.isNaN { return ".nan" }
    if value.isInfinite { return value > 0 ? ".inf" : "-.inf" }
    return "\(value)"
}

private struct NodeEncoder: Encoder {
    let slot: Slot
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        slot.beginMapping()
        return KeyedEncodingContainer(Keyed<Key>(slot: slot, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        slot.beginSequence()
        return Unkeyed(slot: slot, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(slot: slot, codingPath: codingPath)
    }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: Slot
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) { slot.add(key: key.stringValue).encodeNull() }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try slot.add(key: key.stringValue).encode(value, codingPath: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        encoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { NodeEncoder(slot: slot.add(key: "super"), codingPath: codingPath) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }

    private func encoder(_ key: Key) -> NodeEncoder {
        NodeEncoder(slot: slot.add(key: key.stringValue), codingPath: codingPath + [key])
    }
}

private struct Unkeyed: UnkeyedEncodingContainer {
    let slot: Slot
    let codingPath: [any CodingKey]
    var count: Int { slot.elementCount }

    func encodeNil() { slot.addElement().encodeNull() }
    func encode<T: Encodable>(_ value: T) throws {
        try slot.addElement().encode(value, codingPath: codingPath)
    }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder.container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder }

    private var encoder: NodeEncoder { NodeEncoder(slot: slot.addElement(), codingPath: codingPath) }
}

private struct Single: SingleValueEncodingContainer {
    let slot: Slot
    let codingPath: [any CodingKey]

    func encodeNil() { slot.encodeNull() }
    func encode<T: Encodable>(_ value: T) throws { try slot.encode(value, codingPath: codingPath) }
}
