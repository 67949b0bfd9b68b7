/// The stack machine of a pickle: it turns the operations into nodes that refer to one another by
/// index.
///
/// With indices no pickle can create reference cycles, or deep chains whose deallocation recurses.
struct PickleMachine {
    /// The result of one operation. Later operations may change lists, sets, dictionaries and
    /// objects.
    enum Node {
        case value(PickleValue)
        case list([Int])
        case tuple([Int])
        case set([Int])
        case dictionary([Int])
        indirect case global(PickleGlobal)
        case object(Object)
        case persistent(Int)
    }

    /// A class, so that a node is small and an object grows in place.
    final class Object {
        let constructor: PickleGlobal
        let arguments: Int
        var state: Int?
        var items: [Int] = []
        /// Keys and values alternate.
        var entries: [Int] = []

        init(constructor: PickleGlobal, arguments: Int) {
            self.constructor = constructor
            self.arguments = arguments
        }
    }

    let rules: PickleReader
    var input: PickleInput
    private(set) var nodes: [Node] = []
    /// The nesting depth of each node; too small if a container inside it grew afterwards.
    private var depths: [Int32] = []
    private(set) var stack: [Int] = []
    private var pushCount = 0
    private var marks: [Int] = []
    private var memo: [UInt64: Int] = [:]

    init(_ bytes: ArraySlice<UInt8>, _ rules: PickleReader) {
        input = PickleInput(bytes)
        self.rules = rules
    }

    /// Runs to the end and returns the node on top of the stack.
    mutating func run() throws(PickleError) -> Int {
        while true {
            let code = try input.byte()
            guard let opcode = PickleOpcode(rawValue: code), !opcode.isForAnyClass || !isStrict else {
                let name = PickleOpcode.refused[code]
                throw failure(
                    name.map { "the operation \($0) is not allowed" }
                        ?? "\(hexadecimal(code)) is not a pickle opcode")
            }
            if opcode == .stop { return try pop() }
            try perform(opcode)
        }
    }

    /// Whether only the classes and functions of a list may be named.
    private var isStrict: Bool { rules.constructors != nil }

    private mutating func perform(_ opcode: PickleOpcode) throws(PickleError) {
        switch opcode {
        case .stop: break
        case .proto:
            let version = try input.byte()
            guard version <= 5 else { throw failure("it is of protocol \(version), expected 0 to 5") }
        case .frame: _ = try input.unsigned(byteCount: 8)
        case .mark: marks.append(stack.count)
        case .pop:
            // As in Python, this removes a mark if one is on top, otherwise a value.
            if marks.last == stack.count { marks.removeLast() } else { _ = try pop() }
        case .popMark: _ = try popToMark()
        case .dup: try refer(to: try top())
        case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4, .float,
            .binFloat,
            .string, .binString, .shortBinString, .unicode, .binUnicode, .shortBinUnicode, .binUnicode8,
            .binBytes,
            .shortBinBytes, .binBytes8, .byteArray8:
            try push(.value(try scalar(opcode)))
        case .emptyList: try push(.list([]))
        case .emptyTuple: try push(.tuple([]))
        case .emptySet: try push(.set([]))
        case .emptyDict: try push(.dictionary([]))
        case .list: try push(.list(try popToMark()))
        case .tuple: try push(.tuple(try popToMark()))
        case .frozenSet: try push(.set(try popToMark()))
        case .dict:
            let entries = try popToMark()
            try push(.dictionary(try pairs(entries)))
        case .tuple1: try push(.tuple(try pop(1)))
        case .tuple2: try push(.tuple(try pop(2)))
        case .tuple3: try push(.tuple(try pop(3)))
        case .append: try addItems(try pop(1))
        case .appends, .addItems: try addItems(try popToMark())
        case .setItem: try addEntries(try pop(2))
        case .setItems: try addEntries(try popToMark())
        case .get: try recall(try number(of: try input.line()))
        case .binGet: try recall(try input.unsigned(byteCount: 1))
        case .longBinGet: try recall(try input.unsigned(byteCount: 4))
        case .put: try remember(try number(of: try input.line()))
        case .binPut: try remember(try input.unsigned(byteCount: 1))
        case .longBinPut: try remember(try input.unsigned(byteCount: 4))
        case .memoize: try remember(UInt64(memo.count))
        case .global:
            let module = try input.line()
            try pushGlobal(module, try input.line())
        case .stackGlobal:
            let names = try pop(2)
            guard case .value(.text(let module)) = nodes[names[0]],
                case .value(.text(let name)) = nodes[names[1]]
            else { throw failure("STACK_GLOBAL does not find two names") }
            try pushGlobal(module, name)
        case .reduce, .newObject: try pushObject(try pop(2))
        case .newObjectWithKeywords: try pushObject(Array(try pop(3).prefix(2)))
        case .instance:
            let (module, name) = (try input.line(), try input.line())
            let arguments = try store(.tuple(try popToMark()))
            try pushObject([try store(.global(PickleGlobal(module, name))), arguments])
        case .object:
            let parts = try popToMark()
            guard let constructor = parts.first else { throw failure("an object has no class") }
            try pushObject([constructor, try store(.tuple(Array(parts.dropFirst())))])
        case .build: try setState(try pop())
        case .persistentID: try pushPersistent(try store(.value(.text(try input.line()))))
        case .binPersistentID: try pushPersistent(try pop())
        }
    }
}

// MARK: - The stack and the memo

extension PickleMachine {
    func failure(_ reason: String) -> PickleError { PickleError(offset: input.offset, reason: reason) }

    private mutating func store(_ node: Node) throws(PickleError) -> Int {
        guard nodes.count < rules.limits.valueCount else {
            throw failure("it holds more than \(rules.limits.valueCount) values")
        }
        nodes.append(node)
        depths.append(0)
        deepen(nodes.count - 1, by: node.children)
        try checkDepth(of: nodes.count - 1)
        return nodes.count - 1
    }

    private mutating func push(_ node: Node) throws(PickleError) {
        try refer(to: try store(node))
    }

    /// Pushes a reference to a node on the stack.
    private mutating func refer(to node: Int) throws(PickleError) {
        pushCount += 1
        guard pushCount <= rules.limits.expandedCount else {
            throw failure("it refers to more than \(rules.limits.expandedCount) values")
        }
        stack.append(node)
    }

    private func top() throws(PickleError) -> Int {
        guard let last = stack.last, stack.count > marks.last ?? 0 else {
            throw failure("the stack is empty")
        }
        return last
    }

    private mutating func pop() throws(PickleError) -> Int {
        let last = try top()
        stack.removeLast()
        return last
    }

    private mutating func pop(_ count: Int) throws(PickleError) -> [Int] {
        guard stack.count - (marks.last ?? 0) >= count else { throw failure("the stack is empty") }
        return takeStack(from: stack.count - count)
    }

    private mutating func popToMark() throws(PickleError) -> [Int] {
        guard let mark = marks.popLast() else { throw failure("there is no mark on the stack") }
        return takeStack(from: mark)
    }

    /// Copies element by element: a live slice of the stack would make each removal copy the whole
    /// stack.
    private mutating func takeStack(from start: Int) -> [Int] {
        var taken: [Int] = []
        taken.reserveCapacity(stack.count - start)
        for index in start..<stack.count { taken.append(stack[index]) }
        stack.removeLast(stack.count - start)
        return taken
    }

    private mutating func remember(_ place: UInt64) throws(PickleError) {
        memo[place] = try top()
        guard memo.count <= rules.limits.memoCount else {
            throw failure("its memo holds more than \(rules.limits.memoCount) values")
        }
    }

    private mutating func recall(_ place: UInt64) throws(PickleError) {
        guard let node = memo[place] else { throw failure("memo entry \(place) does not exist") }
        try refer(to: node)
    }

    private func number(of line: String) throws(PickleError) -> UInt64 {
        guard let number = UInt64(line) else { throw failure("'\(line.prefix(40))' is not a memo index") }
        return number
    }

    private mutating func deepen(_ node: Int, by children: [Int]) {
        let deepest = children.reduce(Int32(-1)) { max($0, depths[$1]) }
        // The cap is far above any limit; without it, the depth of a container that contains itself
        // would grow for ever.
        depths[node] = min(max(depths[node], deepest + 1), 1 << 20)
    }

    /// Refuses a value as soon as it is nested too deeply. If any class may be named, the resolver
    /// leaves it out instead.
    private func checkDepth(of node: Int) throws(PickleError) {
        guard isStrict, depths[node] > rules.limits.depth else { return }
        throw failure("its containers are more than \(rules.limits.depth) deep")
    }
}

// MARK: - Containers and objects

extension PickleMachine.Node {
    /// The indices of the nodes in this one.
    var children: [Int] {
        switch self {
        case .value, .global: []
        case .list(let items), .tuple(let items), .set(let items), .dictionary(let items): items
        case .persistent(let name): [name]
        case .object(let object):
            [object.arguments] + (object.state.map { [$0] } ?? []) + object.items + object.entries
        }
    }
}

extension PickleMachine {
    /// Replaces the node on top of the stack; `change` returns `nil` if the node is of the wrong
    /// kind.
    ///
    /// - Parameter added: The nodes that are added to it.
    private mutating func change(
        adding added: [Int], _ change: (consuming Node) -> Node?
    ) throws(PickleError) {
        let index = try top()
        let old = nodes[index]
        // The node is taken out of the table meanwhile, so that its array has one owner and grows
        // in place.
        nodes[index] = .value(.none)
        guard let new = change(consume old) else {
            throw failure("a value is added to one that is not a container, or a state is set twice")
        }
        nodes[index] = new
        deepen(index, by: added)
        try checkDepth(of: index)
    }

    private mutating func setState(_ state: Int) throws(PickleError) {
        let isStrict = isStrict
        try change(adding: [state]) { node in
            guard case .object(let object) = node, object.state == nil || !isStrict else { return nil }
            object.state = state
            return .object(object)
        }
    }

    private mutating func addItems(_ items: [Int]) throws(PickleError) {
        try change(adding: items) { node in
            switch consume node {
            case .list(var old):
                old += items
                return .list(old)
            case .set(var old):
                old += items
                return .set(old)
            case .object(let object):
                object.items += items
                return .object(object)
            default: return nil
            }
        }
    }

    private func pairs(_ entries: [Int]) throws(PickleError) -> [Int] {
        guard entries.count.isMultiple(of: 2) else { throw failure("a key has no value") }
        return entries
    }

    private mutating func addEntries(_ entries: [Int]) throws(PickleError) {
        let entries = try pairs(entries)
        try change(adding: entries) { node in
            switch consume node {
            case .dictionary(var old):
                old += entries
                return .dictionary(old)
            case .object(let object):
                object.entries += entries
                return .object(object)
            default: return nil
            }
        }
    }

    private mutating func pushGlobal(_ module: String, _ name: String) throws(PickleError) {
        let global = PickleGlobal(module, name)
        guard rules.constructors?.contains(global) ?? true else {
            throw failure("it asks for \(String("\(global)".prefix(200))), which is not allowed")
        }
        try push(.global(global))
    }

    private mutating func pushObject(_ parts: [Int]) throws(PickleError) {
        guard let constructor = constructor(parts[0]), case .tuple = nodes[parts[1]] else {
            throw failure("it calls something other than a class or function with a tuple of arguments")
        }
        try push(.object(Object(constructor: constructor, arguments: parts[1])))
    }

    /// The name of the callable; if any class may be named, also one for the result of another
    /// call.
    private func constructor(_ node: Int) -> PickleGlobal? {
        switch nodes[node] {
        case .global(let global): return global
        case .object(let object) where !isStrict:
            // Names in Python have no parentheses, so this one is never mistaken for a known name.
            let (module, name) = (object.constructor.module, object.constructor.name)
            return name.hasSuffix("()") ? object.constructor : PickleGlobal(module, name + "()")
        default: return nil
        }
    }

    private mutating func pushPersistent(_ name: Int) throws(PickleError) {
        guard rules.allowsPersistent else {
            throw failure("it refers to data outside the pickle, which is not allowed")
        }
        try push(.persistent(name))
    }
}

private func hexadecimal(_ byte: UInt8) -> String {
    "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
}
