internal import Pickle

/// A file of `torch.save` since PyTorch 1.6: a zip archive of a pickle, `data.pkl`, and a record for each storage, `data/0` ….
enum PyTorchArchive {
    static func tensors(_ bytes: [UInt8]) throws(FormatError) -> [NamedTensor] {
        let archive = try ZipArchive(bytes)
        let folder = try folder(of: archive)
        let isBigEndian = try isBigEndian(archive, folder)
        let pickle = try archive.content("\(folder)/data.pkl")
        let (root, end) = try PyTorchPickle.read(pickle, what: "data.pkl")
        guard end == pickle.count else {
            throw FormatError("data.pkl, at byte \(end): \(pickle.count - end) bytes follow the pickle's end")
        }
        var checked: [String: ArraySlice<UInt8>] = [:]
        var tensors: [NamedTensor] = []
        for (name, arguments) in try StateDictionaryPickle.tensors(in: root) {
            let tensor = try PickleValue.tensor(arguments, name: name, isBigEndian: isBigEndian) {
                (storage: StorageReference) throws(FormatError) -> ArraySlice<UInt8> in
                if let known = checked[storage.key] { return known }
                let content = try archive.content("\(folder)/data/\(storage.key)")
                checked[storage.key] = content
                return content
            }
            tensors.append(NamedTensor(name: name, tensor: tensor))
        }
        return tensors
    }

    /// The one folder that everything lies in.
    private static func folder(of archive: ZipArchive) throws(FormatError) -> String {
        let folders = archive.entries.keys.filter { $0.hasSuffix("/data.pkl") }.map { $0.dropLast(9) }
        guard let folder = folders.first, folders.count == 1, !folder.contains("/") else {
            throw FormatError(
                folders.isEmpty
                    ? "is a zip archive, but none of torch.save: there is no data.pkl in it"
                    : "is a zip archive with \(folders.count) files data.pkl, expected one, in one folder")
        }
        guard archive.entries["\(folder)/constants.pkl"] == nil else {
            throw FormatError(
                "is a TorchScript program; expected its weights alone, saved by torch.save(model.state_dict(), FILE)"
            )
        }
        return String(folder)
    }

    private static func isBigEndian(_ archive: ZipArchive, _ folder: String) throws(FormatError) -> Bool {
        // Files of PyTorch before 2.1 do not say it; they are little-endian here as there.
        guard archive.entries["\(folder)/byteorder"] != nil else { return false }
        let order = String(decoding: try archive.content("\(folder)/byteorder"), as: UTF8.self)
        guard order == "little" || order == "big" else {
            throw FormatError("the order of bytes is '\(shown(order))', expected little or big")
        }
        return order == "big"
    }
}
