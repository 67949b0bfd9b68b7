internal import Datasets
internal import SystemPackage

/// A file of a sample in a shard, by its name: `key.jpg`, `key.cls`, `key.json`.
///
/// As in WebDataset, the key is the path up to the first dot of the file's own name, and the rest
/// is the field, in any case: `a/0001.seg.png` is the field `seg.png` of the sample `a/0001`.
struct WebDatasetFile {
    enum Role {
        case image
        /// The label in decimal digits.
        case classNumber
        /// An object with the label under `label` or `cls`.
        case metadata
    }

    /// The bytes of the key.
    let key: [UInt8]
    let role: Role

    /// `nil` for a file of another role, or without a key.
    init?(_ path: FilePath) {
        let bytes = path.bytes
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        guard let dot = bytes[start...].firstIndex(of: UInt8(ascii: ".")), dot > start else { return nil }
        switch String(decoding: bytes[(dot + 1)...], as: UTF8.self).lowercased() {
        case "jpg", "jpeg", "png", "webp": role = .image
        case "cls": role = .classNumber
        case "json": role = .metadata
        default: return nil
        }
        key = Array(bytes[..<dot])
    }
}
