internal import Pickle

/// The state dictionary in what `torch.save` was given: itself, or inside of a dictionary of other things.
///
/// The keys that are looked into, one level after the other, are those that training scripts use.
enum StateDictionaryPickle {
    static let nestingKeys = ["state_dict", "model_state_dict", "net", "network", "model"]

    /// The named tensors, as descriptions.
    static func tensors(in root: PickleValue) throws(FormatError) -> [(
        name: String, arguments: [PickleValue]
    )] {
        let tensors = named(try dictionary(in: root, depth: 0))
        guard let first = duplicate(tensors.map(\.name)) else { return tensors }
        throw FormatError("tensor '\(shown(first))' is there twice")
    }

    private static func dictionary(in root: PickleValue, depth: Int) throws(FormatError) -> PickleValue {
        let inner = nestingKeys.filter { key in
            root[key].map { $0.tensorArguments == nil && $0.entries != nil } ?? false
        }
        guard inner.count <= 1 else {
            throw FormatError(
                """
                holds several dictionaries (\(inner.joined(separator: ", "))): save the one that is meant alone, by \
                torch.save(model.state_dict(), FILE)
                """)
        }
        if let key = inner.first, depth < 4, let value = root[key] {
            return try dictionary(in: value, depth: depth + 1)
        }
        guard !named(root).isEmpty else {
            let keys = root.entries?.compactMap(\.key.string).prefix(20).map(shown) ?? []
            throw FormatError(
                """
                holds no state dictionary\(keys.isEmpty ? "" : ", but the keys " + keys.joined(separator: ", ")); expected named \
                tensors, bare or as one of \(nestingKeys.joined(separator: ", "))
                """)
        }
        return root
    }

    private static func named(_ dictionary: PickleValue) -> [(name: String, arguments: [PickleValue])] {
        (dictionary.entries ?? []).compactMap { entry in
            guard let name = entry.key.string, let arguments = entry.value.tensorArguments else { return nil }
            return (name, arguments)
        }
    }
}

/// The first name that is there a second time.
func duplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}
