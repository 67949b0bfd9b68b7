package import Datasets
internal import SystemPackage

/// The samples of WebDataset shards of which some are compressed, read once from front to back,
/// without unpacking; otherwise as `WebDatasetIndex`.
package final class WebDatasetStream: RecordSource {
    package let origin: String
    package let identity: String
    private let shards: [String]
    private let isLabelled: Bool
    private var position = 0
    private var pass: WebDatasetPass?
    private var skipped = SkippedEntries()

    /// The number of samples is unknown until the end.
    package var count: Int? { nil }

    package var fractionRead: Double? { Double(position) / Double(shards.count) }

    package var notes: [String] { skipped.notes }

    /// - Parameter isLabelled: Whether the samples have labels; if not, each has −1.
    /// - Throws: If the first shard cannot be read.
    package init(_ shards: WebDatasetShards, isLabelled: Bool) throws(DatasetError) {
        origin = shards.origin
        identity = shards.identity
        self.shards = shards.paths
        self.isLabelled = isLabelled
        pass = try WebDatasetPass(shards.paths[0], readsLabels: isLabelled)
    }

    package func next() throws(DatasetError) -> Record? {
        guard let sample = try nextSample(readsImage: true) else { return nil }
        return Record(
            path: pathOfRecord(sample.path, in: FilePath(shards[position])), label: sample.number,
            place: sample.place,
            payload: sample.problem(isLabelled: isLabelled) ?? .encoded(sample.bytes))
    }

    package func skip(_ count: Int) throws(DatasetError) -> Int {
        for passed in 0..<count where try nextSample(readsImage: false) == nil { return passed }
        return count
    }

    private func nextSample(readsImage: Bool) throws(DatasetError) -> WebDatasetSample? {
        while position < shards.count {
            if pass == nil { pass = try WebDatasetPass(shards[position], readsLabels: isLabelled) }
            if let sample = try pass?.next(readsImage: readsImage) { return sample }
            if let found = pass?.skipped { skipped.add(found) }
            pass = nil
            position += 1
        }
        return nil
    }
}
