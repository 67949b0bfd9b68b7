internal import Pickle

/// The state dictionary in what `torch.save` was given: itself, or inside of dictionaries and lists of other things.
///
/// A dictionary of tensors of which one at least is called `….weight` is one, wherever it is; several must be told apart by a key.
enum StateDictionaryPickle {
    /// Keys that training scripts use, for dictionaries whose tensors have other names.
    static let nestingKeys = ["state_dict", "model_state_dict", "net", "network", "model"]

    /// The named tensors.
    ///
    /// - Parameters:
    ///   - key: Keys that lead to the dictionary, with dots between; what is left of it begins the tensors' names.
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
                    let reason = "is of a type that is not read; save tensor.float() in its place"
                    content.unread.append(UnreadTensor(name: name, reason: reason))
                }
            case .unread(let reason): content.unread.append(UnreadTensor(name: name, reason: reason))
            case nil: content.unread.append(UnreadTensor(name: name, reason: entry.value.kind))
            }
        }
        guard let first = duplicate(content.tensors.map(\.name)) else { return content }
        throw FormatError("tensor '\(shown(first))' is there twice")
    }
}

/// The first name that is there a second time.
func duplicate(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
}
