internal import Pickle

/// Searches for state dictionaries in an object saved by `torch.save`.
struct StateDictionarySearch {
    struct Candidate {
        var path: [String]
        var value: PickleValue
        /// The rest of the requested key.
        var rest: String?

        var name: String { path.isEmpty ? "the file itself" : shown(path.joined(separator: ".")) }
    }

    private let root: PickleValue
    private var candidates: [Candidate] = []
    /// PyTorch modules that were saved as whole objects.
    private var modules: [(path: [String], type: PickleGlobal)] = []
    private var visitsLeft = 100_000

    init(_ root: PickleValue) {
        self.root = root
        visit(root, path: [])
    }

    /// The state dictionary that the key chooses, or the only one.
    func dictionary(key: String?) throws(FormatError) -> Candidate {
        if let key, let named = descend(root, key) {
            if let module = named.value.wholeModule { throw wholeModule(module, at: named.path) }
            return try single(named)
        }
        guard candidates.count < 2 else { throw severalCandidates(key) }
        var found = candidates.first
        if found == nil { found = try usual(root, path: []) }
        guard var found else { throw nothing() }
        found.rest = key
        return found
    }

    /// The dictionary that the key leads to or, if it has no tensors, the state dictionary in it.
    private func single(_ named: Candidate) throws(FormatError) -> Candidate {
        guard !hasTensors(named.value) else { return named }
        var inner = try StateDictionarySearch(named.value).dictionary(key: nil)
        inner.path = named.path + inner.path
        inner.rest = named.rest
        return inner
    }

    private mutating func visit(_ value: PickleValue, path: [String]) {
        if let module = value.wholeModule { return modules.append((path, module)) }
        if looksLikeWeights(value) { return candidates.append(Candidate(path: path, value: value)) }
        guard path.count < 5 else { return }
        for (key, child) in children(of: value) {
            guard visitsLeft > 0 else { return }
            visitsLeft -= 1
            visit(child, path: path + [key])
        }
    }
}

extension StateDictionarySearch {
    private func looksLikeWeights(_ value: PickleValue) -> Bool {
        value.entries?.contains { entry in
            guard let name = entry.key.string, name == "weight" || name.hasSuffix(".weight") else {
                return false
            }
            return entry.value.tensorDescription != nil
        } ?? false
    }

    private func tensorCount(_ value: PickleValue) -> Int {
        value.entries?.count { $0.key.string != nil && $0.value.tensorDescription != nil } ?? 0
    }

    private func hasTensors(_ value: PickleValue) -> Bool { tensorCount(value) > 0 }

    /// The elements of a dictionary, list or tuple, by key or index.
    private func children(of value: PickleValue) -> [(key: String, value: PickleValue)] {
        if value.tensorDescription != nil { return [] }
        if let entries = value.entries {
            return entries.compactMap { entry in
                (entry.key.string ?? entry.key.integer.map { "\($0)" }).map { ($0, entry.value) }
            }
        }
        return (value.elements ?? []).enumerated().map { ("\($0.offset)", $0.element) }
    }

    /// Follows a key as far as possible; `nil` if its first part does not exist.
    private func descend(_ value: PickleValue, _ key: String) -> Candidate? {
        let inner = children(of: value)
        if let whole = inner.last(where: { $0.key == key }) {
            return Candidate(path: [key], value: whole.value)
        }
        for (name, child) in inner where !name.isEmpty && key.hasPrefix(name + ".") {
            let rest = String(key.dropFirst(name.count + 1))
            guard child.tensorDescription == nil else { continue }
            guard var found = descend(child, rest) else {
                return Candidate(path: [name], value: child, rest: rest)
            }
            found.path.insert(name, at: 0)
            return found
        }
        return nil
    }

    /// Finds a dictionary without a tensor named `….weight` by the usual keys of training scripts.
    private func usual(_ value: PickleValue, path: [String]) throws(FormatError) -> Candidate? {
        let inner = StateDictionaryPickle.nestingKeys.filter { value[$0]?.entries != nil }
        guard inner.count <= 1 else { throw severalKeys(inner) }
        if let key = inner.first, path.count < 4, let child = value[key],
            let found = try usual(child, path: path + [key])
        {
            return found
        }
        return hasTensors(value) ? Candidate(path: path, value: value) : nil
    }
}

// MARK: - Errors

extension StateDictionarySearch {
    private func severalCandidates(_ key: String?) -> FormatError {
        let list = candidates.prefix(12).map { "\($0.name) (\(tensorCount($0.value)) tensors)" }
        let example = candidates.first { !$0.path.isEmpty }?.name ?? "KEY"
        let missing = key.map { "has no state dictionary with the key '\(shown($0))', but" } ?? "holds"
        return FormatError(
            """
            \(missing) several state dictionaries: \(list.joined(separator: ", ")); choose one with --key, as --key \(example)
            """)
    }

    private func severalKeys(_ keys: [String]) -> FormatError {
        FormatError(
            """
            holds several dictionaries: \(keys.joined(separator: ", ")); choose one with --key, as --key \(keys[0])
            """)
    }

    private func wholeModule(_ type: PickleGlobal, at path: [String]) -> FormatError {
        let place = path.isEmpty ? "" : " under \(shown(path.joined(separator: ".")))"
        return FormatError(
            """
            holds a whole model\(place), an object of \(shown("\(type)")), not its weights alone; load it in Python with its classes, and \
            save those with torch.save(model.state_dict(), FILE)
            """)
    }

    private func nothing() -> FormatError {
        if let module = modules.first { return wholeModule(module.type, at: module.path) }
        let keys = children(of: root).map(\.key)
        let what: String =
            if keys.isEmpty {
                switch root {
                case .object, .global, .opaque: "; what was saved \(root.kind)"
                default: ""
                }
            } else {
                ", but the keys \(shownList(keys))"
            }
        let leftOut = children(of: root).first { if case .opaque = $0.value { true } else { false } }
        let remark = leftOut.map { " ('\(shown($0.key))' \($0.value.kind))" } ?? ""
        return FormatError(
            """
            holds no state dictionary\(what)\(remark); expected named tensors, as torch.save(model.state_dict(), FILE) \
            writes them
            """)
    }
}
