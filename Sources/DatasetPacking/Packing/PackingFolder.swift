internal import Datasets
internal import Files
internal import Foundation

/// The working folder of a dataset that is being packed, `<destination>.partial`: the unfinished
/// dataset is in `dataset`, a description of each finished shard in `parts`, and the request and
/// plan in `packing.json`.
///
/// `packing.json` is written before the first shard, each shard before its part, and the manifest
/// after all shards; then `dataset` is renamed to the destination. So after an interruption at any
/// time the destination is either a complete dataset or does not exist.
struct PackingFolder: Sendable {
    let destination: String
    let work: String

    var dataset: String { "\(work)/dataset" }
    var progressFile: String { "\(work)/progress" }
    var lock: String { "\(work)/lock" }
    private var parts: String { "\(work)/parts" }
    private var state: String { "\(work)/packing.json" }

    /// The content of `packing.json`.
    struct State: Codable {
        var version = 1
        var request: PackingRequest
        var plan: PackingPlan
    }

    init(_ path: String) {
        destination = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        work = "\(destination).partial"
    }

    /// Whether the destination is a dataset; an empty folder counts as missing.
    ///
    /// - Throws: If something else is there.
    func destinationIsDataset() throws(DatasetError) -> Bool {
        guard try isThere(destination) else { return false }
        if try isThere("\(destination)/\(Manifest.fileName)") { return true }
        guard (try? FileManager.default.contentsOfDirectory(atPath: destination)) == [] else {
            throw DatasetError(
                action: "create dataset", place: destination, reason: "it exists and is not a dataset",
                remedy: "give another folder")
        }
        return false
    }

    /// Whether an interrupted run has already renamed the dataset to its destination, so that only
    /// the cleanup is left.
    var isCommitted: Bool {
        get throws(DatasetError) {
            guard try isThere(state), try !isThere(dataset) else { return false }
            return try isThere("\(destination)/\(Manifest.fileName)")
        }
    }

    func createWork() throws(DatasetError) {
        try DatasetError.wrapping("create folder", work) { try createFolder(work) }
    }

    /// Creates the folders and `packing.json`; earlier content is removed.
    func begin(_ state: State) throws(DatasetError) {
        try DatasetError.wrapping("create folder", work) {
            try? FileManager.default.removeItem(atPath: self.state)
            for folder in [dataset, parts] {
                try? FileManager.default.removeItem(atPath: folder)
                try createFolder(folder)
            }
            try writeFile(String(decoding: try JSONEncoder().encode(state), as: UTF8.self), to: self.state)
        }
    }

    /// The state of an interrupted run; `nil` if there is none, or none that this version can
    /// decode.
    ///
    /// - Throws: If it cannot be read: a read error must not discard the shards of an interrupted
    ///   run.
    func readState() throws(DatasetError) -> State? {
        guard try isThere(state) else { return nil }
        let bytes = try ReadableFile.contents(of: state)
        guard let found = try? JSONDecoder().decode(State.self, from: Data(bytes)), found.version == 1 else {
            return nil
        }
        return found
    }

    func shardName(_ index: Int) -> String { "shard-\(fiveDigits(index)).h5" }

    /// The numbers of the shards that an earlier run finished.
    func partNumbers() throws(DatasetError) -> [Int] {
        try DatasetError.wrapping("list folder", parts) { try namesInFolder(parts) }
            .compactMap { $0.hasSuffix(".json") ? Int($0.dropLast(5)) : nil }.sorted()
    }

    /// Whether there are finished shards to keep; also `true` if the folders cannot be listed.
    var hasShards: Bool {
        guard let numbers = try? partNumbers(), let names = try? namesInFolder(dataset) else { return true }
        return !numbers.isEmpty && names.contains { $0.hasSuffix(".h5") }
    }

    /// - Parameter names: The path and place of each record read, for the report of duplicates.
    func write(_ part: PackedPart, names: [[String]], _ index: Int) throws(DatasetError) {
        let path = "\(parts)/\(fiveDigits(index))"
        try DatasetError.wrapping("write", path) {
            let encoder = JSONEncoder()
            try writeFile(String(decoding: try encoder.encode(names), as: UTF8.self), to: "\(path).names")
            try writeFile(String(decoding: try encoder.encode(part), as: UTF8.self), to: "\(path).json")
        }
    }

    func readPart(_ index: Int) throws(DatasetError) -> PackedPart { try read("\(fiveDigits(index)).json") }

    func readNames(_ index: Int) throws(DatasetError) -> [[String]] { try read("\(fiveDigits(index)).names") }

    /// Removes all files that do not belong to the dataset: shards without a part, and incomplete
    /// files.
    func tidy(keeping shards: [Manifest.Shard]) throws(DatasetError) {
        let kept = Set(shards.map(\.file))
        try DatasetError.wrapping("tidy", dataset) {
            for name in try FileManager.default.contentsOfDirectory(atPath: dataset)
            where !kept.contains(name) {
                try FileManager.default.removeItem(atPath: "\(dataset)/\(name)")
            }
        }
    }

    /// Moves the dataset to the destination; a dataset or an empty folder that exists there is
    /// moved away first.
    func commit() throws(DatasetError) {
        let replaced = "\(work)/replaced"
        try DatasetError.wrapping("create dataset", destination) {
            try synchronize(dataset)
            let isReplacing = try isThere(destination)
            if isReplacing {
                try? FileManager.default.removeItem(atPath: replaced)
                try FileManager.default.moveItem(atPath: destination, toPath: replaced)
            }
            do {
                try FileManager.default.moveItem(atPath: dataset, toPath: destination)
            } catch {
                if isReplacing { try? FileManager.default.moveItem(atPath: replaced, toPath: destination) }
                throw error
            }
            try synchronize(URL(filePath: destination).deletingLastPathComponent().path)
            discard()
        }
    }

    /// Removes the working folder, `packing.json` last, so that a process that is killed meanwhile
    /// leaves a state that the next one recognises.
    func discard() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? [] {
            if "\(work)/\(name)" != state { try? FileManager.default.removeItem(atPath: "\(work)/\(name)") }
        }
        try? FileManager.default.removeItem(atPath: work)
    }

    /// Removes the working folder of a process that was killed after it had renamed the dataset.
    func removeStagingFiles() {
        guard (try? isThere(work)) == true, (try? isThere(dataset)) == false,
            (try? isThere("\(destination)/\(Manifest.fileName)")) == true,
            let lock = try? PackingLock(self.lock)
        else { return }
        withExtendedLifetime(lock) { discard() }
    }

    private func read<Value: Decodable>(_ name: String) throws(DatasetError) -> Value {
        let path = "\(parts)/\(name)"
        let bytes = try ReadableFile.contents(of: path)
        return try DatasetError.wrapping("read", path) {
            try JSONDecoder().decode(Value.self, from: Data(bytes))
        }
    }
}

private func isThere(_ path: String) throws(DatasetError) -> Bool {
    try DatasetError.wrapping("look for", path) { try fileExists(path) }
}

private func fiveDigits(_ index: Int) -> String {
    let digits = "\(index)"
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
}
