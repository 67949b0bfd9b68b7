/// Converts the nodes of a machine to values, each once, children before the nodes that contain
/// them.
struct PickleResolver {
    private struct Resolved {
        var value: PickleValue
        /// The number of values in it, each counted as often as it is referenced.
        var count = 1
        /// The nesting depth of the containers in it.
        var depth = 0
    }

    private enum State {
        case unseen, inProgress
        case done(Resolved)
    }

    /// A node whose children are being visited.
    private struct Visit {
        let node: Int
        let children: [Int]
        var next = 0
    }

    private let machine: PickleMachine
    private var states: [State]
    /// Whether values that exceed a limit are left out instead of refused.
    private let isLenient: Bool

    init(_ machine: PickleMachine) {
        self.machine = machine
        states = [State](repeating: .unseen, count: machine.nodes.count)
        isLenient = machine.rules.constructors == nil
    }

    mutating func value(of root: Int) throws(PickleError) -> PickleValue {
        var path: [Visit] = []
        try enter(root, &path)
        while var visit = path.popLast() {
            guard visit.next < visit.children.count else {
                states[visit.node] = .done(try limited(try build(visit.node)))
                continue
            }
            let child = visit.children[visit.next]
            visit.next += 1
            path.append(visit)
            if case .unseen = states[child] { try enter(child, &path) }
        }
        return try part(root).value
    }

    /// All persistent IDs, which name data outside the pickle.
    mutating func persistentNames() throws(PickleError) -> [PickleValue] {
        var names: [PickleValue] = []
        for index in machine.nodes.indices {
            guard case .persistent = machine.nodes[index] else { continue }
            names.append(try value(of: index))
        }
        return names
    }

    private mutating func enter(_ node: Int, _ path: inout [Visit]) throws(PickleError) {
        if case .done = states[node] { return }
        if case .value(let value) = machine.nodes[node] {
            states[node] = .done(Resolved(value: value))
            return
        }
        states[node] = .inProgress
        path.append(Visit(node: node, children: machine.nodes[node].children))
    }

    /// The value of a child. A child that is still in progress contains the node whose child it is.
    private func part(_ node: Int) throws(PickleError) -> Resolved {
        if case .done(let resolved) = states[node] { return resolved }
        return try leftOut("a container holds itself")
    }

    private func limited(_ resolved: Resolved) throws(PickleError) -> Resolved {
        let limits = machine.rules.limits
        if resolved.depth > limits.depth {
            return try leftOut("its containers are more than \(limits.depth) deep")
        }
        if resolved.count > limits.expandedCount {
            return try leftOut("it refers to more than \(limits.expandedCount) values")
        }
        return resolved
    }

    private func leftOut(_ reason: String) throws(PickleError) -> Resolved {
        guard isLenient else { throw machine.failure(reason) }
        return Resolved(value: .opaque(reason))
    }

    private func build(_ index: Int) throws(PickleError) -> Resolved {
        var (count, depth) = (1, 0)
        let value = try value(of: machine.nodes[index]) { (child: Int) throws(PickleError) in
            let part = try part(child)
            count += part.count
            depth = max(depth, part.depth + 1)
            return part.value
        }
        return Resolved(value: value, count: count, depth: depth)
    }

    private func value(
        of node: PickleMachine.Node, _ part: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> PickleValue {
        switch node {
        case .value(let value): return value
        case .list(let items): return .list(try all(items, part))
        case .tuple(let items): return .tuple(try all(items, part))
        case .set(let items): return .set(try all(items, part))
        case .dictionary(let items): return .dictionary(try entries(items, part))
        case .global(let global): return .global(global)
        case .persistent(let name): return .persistent(try part(name))
        case .object(let object):
            let arguments = try part(object.arguments).elements ?? []
            if let bytes = encodedBytes(object.constructor, arguments) { return bytes }
            var state: PickleValue?
            if let index = object.state { state = try part(index) }
            return .object(
                PickleObject(
                    constructor: object.constructor, arguments: arguments, state: state,
                    items: try all(object.items, part), entries: try entries(object.entries, part)))
        }
    }

    private func all(
        _ indices: [Int], _ part: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> [PickleValue] {
        var values: [PickleValue] = []
        values.reserveCapacity(indices.count)
        for index in indices { values.append(try part(index)) }
        return values
    }

    private func entries(
        _ indices: [Int], _ part: (Int) throws(PickleError) -> PickleValue
    ) throws(PickleError) -> [PickleEntry] {
        var entries: [PickleEntry] = []
        entries.reserveCapacity(indices.count / 2)
        for pair in stride(from: 0, to: indices.count, by: 2) {
            entries.append(PickleEntry(key: try part(indices[pair]), value: try part(indices[pair + 1])))
        }
        return entries
    }
}

/// The `bytes` that Python 3 writes up to protocol 2 as a text of one character per byte, or as a
/// call without arguments if there are none.
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
    package static let bytesConstructors: Set = [
        PickleGlobal("_codecs", "encode"), PickleGlobal("__builtin__", "bytes"),
    ]
}
