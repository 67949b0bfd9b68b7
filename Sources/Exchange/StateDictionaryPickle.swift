internal import Pickle

/// The state dictionary in an object saved by `torch.save`: the object itself, or nested in
/// dictionaries and lists.
///
/// A state dictionary is a dictionary of tensors with at least one named `….weight`, at any depth.
/// If there are several, a key must choose one.
enum StateDictionaryPickle {
    /// Keys that training scripts use, for dictionaries whose tensors have other names.
    static let nestingKeys = ["state_dict", "model_state_dict", "net", "network", "model"]

    /// The named tensors.
    ///
    /// - Parameters:
    ///   - key: Keys that lead to the dictionary, separated by dots; the rest of it is a prefix of
    ///     the tensors' names.
    ///   - storage: The bytes of a storage.
    static func content(
        of root: PickleValue, key: String?, isBigEndian: Bool,
        _ storage: (StorageReference) throws(FormatError) -> ArraySlice<UInt8>
    ) throws(FormatError) -> FileContent {
        let found = try StateDictionarySearch(root).dictionary(key: key)
        var content = FileContent(
            tensors: [], key: found.path.isEmpty ? nil : found.path.joined(separator: "."), prefix: found.rest
        )
        for entry in found.value.entries ?? [] {
            guard let name = entry.key.string else { continue }
            switch entry.value.tensorDescription {
            case .view(let arguments):
                let tensor = try PickleValue.tensor(arguments, name: name, isBigEndian: isBigEndian, storage)
                if let tensor {
                    content.tensors.append(NamedTensor(name: name, tensor: tensor))
                } else {
                    let reason = "is of a type that is not read; save tensor.float() instead"
                    content.unread.append(UnreadTensor(name: name, reason: reason))
                }
            case .unread(let reason): content.unread.append(UnreadTensor(name: name, reason: reason))
            case nil: content.unread.append(UnreadTensor(name: name, reason: entry.value.kind))
            }
        }
        guard let first = duplicate(content.tensors.map(\.name)) else { return content }
        throw FormatError("tensor '\(shown(first))' occurs twice")
    }
}

/// The first name that occurs a second time; `nil` if all names differ.
func duplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}
