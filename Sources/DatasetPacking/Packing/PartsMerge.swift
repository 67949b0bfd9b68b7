internal import Datasets
internal import Foundation

/// Merges the descriptions of the finished shards into the manifest and the report.
struct PartsMerge {
    private let folder: PackingFolder
    private let plan: PackingPlan
    private let parts: [PackedPart]

    /// Reads all parts.
    ///
    /// - Throws: If one is missing, or no image was packed.
    init(
        _ folder: PackingFolder, _ plan: PackingPlan, shardCount: Int, _ source: any RecordSource
    ) throws(DatasetError) {
        self.folder = folder
        self.plan = plan
        var parts: [PackedPart] = []
        for index in 0..<shardCount { parts.append(try folder.readPart(index)) }
        self.parts = parts
        guard !parts.contains(where: { $0.shard != nil }) else { return }
        let count = parts.reduce(0) { $0 + $1.readCount }
        throw parts.lazy.compactMap(\.firstBad).first.map { first in
            DatasetError(
                action: "pack", place: source.origin,
                reason: "none of \(count) images could be read; the first, \(first.place): \(first.reason)")
        } ?? DatasetError(action: "pack", place: source.origin, reason: "it holds no records")
    }

    /// Writes the report and the manifest, and moves the dataset to the destination.
    func finish(
        name: String, source: any RecordSource, _ options: PackingOptions
    ) throws(DatasetError) -> Manifest {
        let shards = parts.compactMap(\.shard)
        let report = PackingReport(parts.flatMap(\.entries) + (try duplicates()))
        let labels = try LabelRule(source, options)
        var manifest = Manifest(
            name: name, classNames: labels.classNames,
            classCount: labels.classCount(largest: parts.map(\.largestLabel).max() ?? -1),
            layout: plan.layout, shards: shards, source: source.origin)
        manifest.notes = source.notes + options.notes + report.notes
        manifest.benchmark = options.benchmark
        try folder.tidy(keeping: shards)
        try report.write(folder: folder.dataset)
        try manifest.write(folder: folder.dataset)
        try folder.commit()
        return manifest
    }

    /// The images with the same content as an earlier one, found by sorting 24 bytes per image;
    /// names are read only for duplicates.
    private func duplicates() throws(DatasetError) -> [PackingReport.Entry] {
        var keys: [ContentKey] = []
        keys.reserveCapacity(parts.reduce(0) { $0 + $1.contents.count / ContentKey.byteCount })
        for part in parts {
            let bytes = Array(part.contents)
            for start in stride(from: 0, to: bytes.count, by: ContentKey.byteCount) {
                keys.append(ContentKey(bytes[start..<start + ContentKey.byteCount]))
            }
        }
        keys.sort { ($0.checksum, $0.length, $0.position) < ($1.checksum, $1.length, $1.position) }
        var names: [Int: [[String]]] = [:]
        var entries: [PackingReport.Entry] = []
        var first = 0
        for index in keys.indices {
            guard keys[index].hasContent(of: keys[first]), index != first else {
                first = index
                continue
            }
            let (earlier, later) = (keys[first], keys[index])
            let (path, place) = try name(later.position, &names)
            let cause =
                "same content as \(try name(earlier.position, &names).path)"
                + (earlier.label == later.label
                    ? "" : ", which has label \(earlier.label), this one \(later.label)")
            entries.append(
                PackingReport.Entry(
                    position: later.position, kind: .duplicate, path: path, place: place, cause: cause))
        }
        return entries
    }

    private func name(
        _ position: Int, _ names: inout [Int: [[String]]]
    ) throws(DatasetError) -> (path: String, place: String) {
        let part = position / plan.recordsPerShard
        if names[part] == nil { names[part] = try folder.readNames(part) }
        let found = names[part]?[position % plan.recordsPerShard] ?? ["", ""]
        return (found[0], found[1])
    }
}

extension PackingOptions {
    /// The changes made to the images, for the manifest.
    fileprivate var notes: [String] {
        let shuffled = shuffleSeed.map { "in a random order, seed \($0)" }
        let shrunk = resizeShorter.map {
            "larger images shrunk to a shorter side of \($0), bilinear, as JPEG of quality \(quality)"
        }
        let recompressed = recompresses ? "all images as JPEG of quality \(quality), 4:2:0" : nil
        return [shuffled, shrunk, recompressed].compactMap { $0 }
    }
}
