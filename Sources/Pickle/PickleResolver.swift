/// Turns the nodes of a machine into values, each once.
struct PickleResolver {
    private enum State {
        case unseen, inProgress
        /// With the values it holds, counted as often as they are referred to, and the containers it is deep.
        case done(PickleValue, count: Int, depth: Int)
    }

    private let machine: PickleMachine
    private var states: [State]

    init(_ machine: PickleMachine) {
        self.machine = machine
        states = [State](repeating: .unseen, count: machine.nodes.count)
    }

    mutating func value(of root: Int) throws(PickleError) -> PickleValue {
        try resolve(root, level: 0).value
    }

    private typealias Resolved = (value: PickleValue, count: Int, depth: Int)

    private mutating func resolve(_ index: Int, level: Int) throws(PickleError) -> Resolved {
        let limits = machine.rules.limits
        switch states[index] {
        case .done(let value, let count, let depth):
            guard level + depth <= limits.depth else { throw tooDeep() }
            return (value, count, depth)
        case .inProgress: throw machine.failure("a container holds itself")
        case .unseen: break
        }
        guard level <= limits.depth else { throw tooDeep() }
        states[index] = .inProgress
        var (count, depth) = (1, 0)
        let value = try build(machine.nodes[index]) { (child: Int) throws(PickleError) in
            let part = try resolve(child, level: level + 1)
            count += part.count
            depth = max(depth, part.depth + 1)
            guard count <= limits.expandedCount else {
                throw machine.failure("it refers to more than \(limits.expandedCount) values")
            }
            return part.value
        }
        states[index] = .done(value, count: count, depth: depth)
        return (value, count, depth)
    }

    private func tooDeep() -> PickleError {
        machine.failure("its containers are more than \(machine.rules.limits.depth) deep")
    }

    private func build(
        _ node: PickleMachine.Node, _ resolve: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> PickleValue {
        switch node {
        case .value(let value): return value
        case .list(let items): return .list(try all(items, resolve))
        case .tuple(let items): return .tuple(try all(items, resolve))
        case .set(let items): return .set(try all(items, resolve))
        case .dictionary(let items): return .dictionary(try entries(items, resolve))
        case .global(let global): return .global(global)
        case .persistent(let name): return .persistent(try resolve(name))
        case .object(let object):
            let arguments = try resolve(object.arguments).elements ?? []
            if let bytes = encodedBytes(object.constructor, arguments) { return bytes }
            var state: PickleValue?
            if let index = object.state { state = try resolve(index) }
            return .object(
                PickleObject(
                    constructor: object.constructor, arguments: arguments, state: state,
                    items: try all(object.items, resolve), entries: try entries(object.entries, resolve)))
        }
    }

    private func all(
        _ indices: [Int], _ resolve: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(indices.count)
        for index in indices { values.append(try resolve(index)) }
        return values
    }

    private func entries(
        _ indices: [Int], _ resolve: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> [PickleEntry] {
        var entries: [PickleEntry] = []
        for pair in stride(from: 0, to: indices.count, by: 2) {
            entries.append(
                PickleEntry(key: try resolve(indices[pair]), value: try resolve(indices[pair + 1])))
        }
        return entries
    }
}

/// What Python 3 writes for `bytes` up to protocol 2: a text of one character a byte, or a call without arguments for none.
private func encodedBytes(_ constructor: PickleGlobal, _ arguments: [PickleValue]) -> PickleValue? {
    if constructor == PickleGlobal("__builtin__", "bytes"), arguments.isEmpty { return .bytes([]) }
    guard constructor == PickleGlobal("_codecs", "encode"), arguments.count == 2,
        case .text(let text) = arguments[0],
        ["latin1", "latin-1", "iso-8859-1"].contains(arguments[1].string ?? ""),
        text.unicodeScalars.allSatisfy({ $0.value < 256 })
    else { return nil }
    return .bytes(text.unicodeScalars.map { UInt8($0.value) }[...])
}

extension PickleReader {
    /// How Python 3 writes `bytes` up to protocol 2; they become `PickleValue.bytes`.
    public static let bytesConstructors: Set = [
        PickleGlobal("_codecs", "encode"), PickleGlobal("__builtin__", "bytes"),
    ]
}
