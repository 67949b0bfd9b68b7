internal import Pickle

/// A file of `torch.save` since PyTorch 1.6: a zip archive of a pickle, `data.pkl`, and a record
/// for each storage, `data/0` ….
enum PyTorchArchive {
    static func content(_ bytes: [UInt8], key: String?) throws(FormatError) -> FileContent {
        let archive = try ZipArchive(bytes)
        let folder = try folder(of: archive)
        let isBigEndian = try isBigEndian(archive, folder)
        let pickle = try archive.content("\(folder)/data.pkl")
        let saved = try PyTorchPickle.read(pickle, what: "data.pkl")
        guard saved.byteCount == pickle.count else {
            throw FormatError(
                "data.pkl, at byte \(saved.byteCount): \(pickle.count - saved.byteCount) bytes follow the pickle's end"
            )
        }
        var checked: [String: ArraySlice<UInt8>] = [:]
        return try StateDictionaryPickle.content(of: saved.value, key: key, isBigEndian: isBigEndian) {
            (storage: StorageReference) throws(FormatError) -> ArraySlice<UInt8> in
            if let known = checked[storage.key] { return known }
            let content = try archive.content("\(folder)/data/\(storage.key)")
            checked[storage.key] = content
            return content
        }
    }

    /// The single top-level folder of the archive.
    private static func folder(of archive: ZipArchive) throws(FormatError) -> String {
        let names = archive.entries.keys
        guard !names.contains(where: { $0.hasSuffix("/constants.pkl") || $0.contains("/code/__torch__") })
        else {
            throw FormatError(
                """
                is a TorchScript program; expected its weights alone, saved with \
                torch.save(torch.jit.load(FILE).state_dict(), OTHER)
                """)
        }
        let folders = names.filter { $0.hasSuffix("/data.pkl") }.map { $0.dropLast(9) }
        guard let folder = folders.first, folders.count == 1, !folder.contains("/") else {
            throw FormatError(
                folders.isEmpty
                    ? notOfPyTorch(names.sorted())
                    : "is a zip archive with \(folders.count) files data.pkl, expected one, in one folder")
        }
        return String(folder)
    }

    private static func notOfPyTorch(_ names: [String]) -> String {
        let what = "is a zip archive, but not of torch.save: there is no data.pkl in it"
        if names.contains(where: { $0.hasSuffix(".npy") }) {
            return "is a NumPy archive (.npz); save the state dictionary with torch.save or safetensors"
        }
        let endings = [".pt", ".pth", ".th", ".ckpt", ".bin", ".safetensors"]
        let models = names.filter { name in endings.contains { name.hasSuffix($0) } }
        return models.isEmpty ? what : what + "; unpack it, and name one of \(shownList(models))"
    }

    private static func isBigEndian(_ archive: ZipArchive, _ folder: String) throws(FormatError) -> Bool {
        // Files of PyTorch before 2.1 have no byte order; they are read as little-endian, as in
        // PyTorch.
        guard archive.entries["\(folder)/byteorder"] != nil else { return false }
        let order = String(decoding: try archive.content("\(folder)/byteorder"), as: UTF8.self)
        guard order == "little" || order == "big" else {
            throw FormatError("the order of bytes is '\(shown(order))', expected little or big")
        }
        return order == "big"
    }
}
