internal import Files
internal import Foundation

/// The places of a dataset in the making: `<destination>.partial`, with the dataset to be in `dataset`, what is known of each
/// finished shard in `parts`, and in `packing.json` what is packed and how.
///
/// `packing.json` is written when all is ready to begin, a shard before its part, the manifest when all shards are there; then
/// `dataset` gets the destination's name. So whatever is interrupted, the destination is a whole dataset or is not there.
struct PackingFolder: Sendable {
    let destination: String
    let work: String

    var dataset: String { "\(work)/dataset" }
    var board: String { "\(work)/progress" }
    var lock: String { "\(work)/lock" }
    private var parts: String { "\(work)/parts" }
    private var state: String { "\(work)/packing.json" }

    /// What `packing.json` holds.
    struct State: Codable {
        var version = 1
        var request: PackingRequest
        var plan: PackingPlan
    }

    init(_ path: String) {
        destination = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        work = "\(destination).partial"
    }

    /// Whether the destination is a dataset; an empty folder counts as nothing.
    ///
    /// - Throws: If something else is there.
    func destinationIsDataset() throws(DatasetError) -> Bool {
        guard try isThere(destination) else { return false }
        if try isThere("\(destination)/\(Manifest.fileName)") { return true }
        guard (try? FileManager.default.contentsOfDirectory(atPath: destination)) == [] else {
            throw DatasetError(
                action: "create dataset", place: destination, reason: "something that is no dataset is there",
                remedy: "give another folder")
        }
        return false
    }

    /// Whether the last thing that an interrupted run did was to give the dataset its name.
    var isCommitted: Bool {
        get throws(DatasetError) {
            guard try isThere(state), try !isThere(dataset) else { return false }
            return try isThere("\(destination)/\(Manifest.fileName)")
        }
    }

    func createWork() throws(DatasetError) {
        try DatasetError.wrapping("create folder", work) { try createFolder(work) }
    }

    /// Makes everything ready; anything that was there before goes.
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

    /// What an interrupted run was about; `nil` if there was none that got beyond its first steps.
    ///
    /// - Throws: If it cannot be read: what an interrupted run has made is not packed again for that.
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

    /// Whether there is anything worth keeping, or nobody can tell.
    var hasShards: Bool {
        guard let numbers = try? partNumbers(), let names = try? namesInFolder(dataset) else { return true }
        return !numbers.isEmpty && names.contains { $0.hasSuffix(".h5") }
    }

    /// - Parameter names: The path and place of each packed record, for what is said of duplicates.
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

    /// Removes all that does not belong to the dataset: shards without a part, files that were being written.
    func tidy(keeping shards: [Manifest.Shard]) throws(DatasetError) {
        let kept = Set(shards.map(\.file))
        try DatasetError.wrapping("tidy", dataset) {
            for name in try FileManager.default.contentsOfDirectory(atPath: dataset)
            where !kept.contains(name) {
                try FileManager.default.removeItem(atPath: "\(dataset)/\(name)")
            }
        }
    }

    /// Puts the dataset in its place, and another one, or an empty folder, out of it.
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

    /// Removes all that packing needs; last of all what says what it was, so that a process that is killed here leaves something that
    /// the next one understands.
    func discard() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: work)) ?? [] {
            if "\(work)/\(name)" != state { try? FileManager.default.removeItem(atPath: "\(work)/\(name)") }
        }
        try? FileManager.default.removeItem(atPath: work)
    }

    /// Removes what a process left that was killed after the dataset got its name.
    func removeCrumbs() {
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
