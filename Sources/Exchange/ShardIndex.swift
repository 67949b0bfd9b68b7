internal import Foundation

/// The index of a model in several files: JSON whose `weight_map` gives the file of each tensor.
///
/// Format: huggingface/transformers, `model.safetensors.index.json`,
/// `pytorch_model.bin.index.json`.
struct ShardIndex {
    private static let byteLimit = 64 << 20
    private static let shardLimit = 1000

    /// The file of each tensor, by the tensor's name.
    let files: [String: String]

    /// - Returns: `nil` if `bytes` are not JSON with a `weight_map`.
    /// - Throws: If it names files outside its folder, or too many files.
    init?(_ bytes: [UInt8]) throws(FormatError) {
        guard bytes.count <= Self.byteLimit,
            bytes.first(where: { !(9...32).contains($0) }) == UInt8(ascii: "{"),
            let content = try? JSONDecoder().decode(Content.self, from: Data(bytes))
        else { return nil }
        files = content.weightMap
        for file in Set(files.values) {
            let isPlain =
                !file.isEmpty && file != "." && file != ".."
                && file.utf8.allSatisfy { $0 >= 32 && $0 != UInt8(ascii: "/") }
            guard isPlain else {
                throw FormatError("names the shard '\(shown(file))', expected a file in the index's folder")
            }
        }
        guard !files.isEmpty, shards.count <= Self.shardLimit else {
            throw FormatError("names \(shards.count) shards, expected 1 to \(Self.shardLimit)")
        }
    }

    /// The files, each once, in the order of their names.
    var shards: [String] { Set(files.values).sorted() }

    private struct Content: Decodable {
        var weightMap: [String: String]

        private enum CodingKeys: String, CodingKey {
            case weightMap = "weight_map"
        }
    }
}

/// The number of a shard and the number of shards, by the file's name:
/// `model-00001-of-00002.safetensors`.
struct ShardName {
    let number: Int
    let count: Int

    /// - Returns: `nil` if the name is not that of a shard.
    init?(_ name: String) {
        let stem = name.split(separator: ".").first ?? ""
        let parts = stem.split(separator: "-")
        guard parts.count >= 3, parts[parts.count - 2] == "of", let count = Int(parts[parts.count - 1]),
            let number = Int(parts[parts.count - 3]), count > 1, (0...count).contains(number)
        else { return nil }
        self.number = number
        self.count = count
    }
}
