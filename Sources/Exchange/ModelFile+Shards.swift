internal import Foundation

extension ModelFile {
    /// Reads every shard of an index; each must hold exactly the tensors that the index lists for
    /// it.
    init(_ index: ShardIndex, path: String, key: String?) throws(ExchangeError) {
        let folder = URL(filePath: path).deletingLastPathComponent().relativePath
        var format = Format.safetensors
        var tensors: [NamedTensor] = []
        var unread: [UnreadTensor] = []
        for shard in index.shards {
            let file = folder == "." ? shard : "\(folder)/\(shard)"
            let bytes = try readWhole(file)
            // A shard must not be an index, which might name itself.
            guard Self.format(of: bytes) != nil else {
                throw ExchangeError(path: file, reason: FileKind.remark(on: bytes))
            }
            let part = try ModelFile(bytes: bytes, path: file)
            try Self.check(part, shard, index, path: path)
            format = part.format
            tensors += part.tensors
            unread += part.unread
        }
        self.init(
            path: path, format: format, tensors: tensors, unread: unread, shardCount: index.shards.count)
        if let key { try keepPrefix(key) }
    }

    private static func check(
        _ part: ModelFile, _ shard: String, _ index: ShardIndex, path: String
    ) throws(ExchangeError) {
        let names = Set(part.tensors.map(\.name) + part.unread.map(\.name))
        if let stray = names.sorted().first(where: { index.files[$0] != shard }) {
            throw ExchangeError(
                path: part.path,
                reason:
                    "holds tensor '\(shown(stray))', which the index \(path) does not list for it: files of two models are mixed"
            )
        }
        let missing = index.files.filter { $0.value == shard && !names.contains($0.key) }.keys.sorted()
        if let first = missing.first {
            throw ExchangeError(
                path: part.path,
                reason:
                    "does not hold tensor '\(shown(first))', which the index \(path) lists for it: files of two models are mixed"
            )
        }
    }

    /// Throws if a file's name is that of a single shard; the error names the index.
    static func checkIsWhole(_ path: String) throws(ExchangeError) {
        let url = URL(filePath: path)
        guard let shard = ShardName(url.lastPathComponent) else { return }
        let folder = url.deletingLastPathComponent().relativePath
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let index = files.filter { $0.hasSuffix(".index.json") }.sorted().first
        let remedy =
            index.map { "name their index: \(folder == "." ? $0 : "\(folder)/\($0)")" }
            ?? "name their index, a file NAME.index.json, which is not in its folder: download it too"
        throw ExchangeError(
            path: path, reason: "is shard \(shard.number) of \(shard.count) of a model by its name; \(remedy)"
        )
    }
}
