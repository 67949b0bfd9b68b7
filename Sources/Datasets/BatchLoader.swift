internal import Kernels
internal import Synchronization
public import Workers

/// Reads, transforms and hands out one rank's batches in order, some of them ahead of time.
///
/// What a batch holds is a function of the sampler, the step and the rank; the pixels of a record are one of (seed, epoch,
/// record, view). Neither the number of threads nor how far the loader runs ahead changes either.
///
/// Reading ends when the loader goes or is closed; neither waits for a record that is being read.
public final class BatchLoader: Sendable {
    private let filler: BatchFiller
    private let end = Mutex<End>(.open)

    private enum End {
        case open
        case closed
        case failed(DatasetError)
    }

    /// A rank's batches of a training run, from step `startStep` of epoch `startEpoch` on, the last short batch of
    /// an epoch included.
    ///
    /// - Parameters:
    ///   - sampler: The order of the records; its seed is the augmentation's, too.
    ///   - batchSize: Samples in a global batch, over all ranks.
    ///   - laneSize: Samples in a lane; see `LaneTree`.
    ///   - startStep: From 0 up to the steps of an epoch; these stand for the next epoch's step 0.
    ///   - epochs: The epochs of the run, those before `startEpoch` included.
    ///   - views: Samples that each image becomes, each by random numbers of its own.
    ///   - prefetch: Batches that wait to be used, at most.
    ///   - threads: Workers that read and transform.
    /// - Precondition: `sampler` orders as many records as `source` holds.
    /// - Throws: If the system gives no thread.
    public init(
        source: any ImageSource, sampler: Sampler, transform: any ImageTransform, batchSize: Int,
        laneSize: Int, rank: Int, worldSize: Int, startEpoch: Int = 0, startStep: Int = 0, epochs: Int,
        views: Int = 1, prefetch: Int = 2, threads: Int = 1
    ) throws(ThreadError) {
        precondition(
            sampler.count == source.count, "an order of \(sampler.count) records of \(source.count)")
        filler = BatchFiller(
            source: source, transform: transform, seed: sampler.seed, prefetch: prefetch, laneSize: laneSize,
            views: views)
        let plan = TrainingPlan(
            sampler: sampler, batchSize: batchSize, laneSize: laneSize, rank: rank, worldSize: worldSize,
            startEpoch: startEpoch, startStep: startStep, epochs: epochs)
        try filler.start(plan, threads: threads)
    }

    /// A rank's share of a whole set in the order of its records: whole lanes, every record once over all ranks.
    ///
    /// The batch's `step` counts the rank's batches, and its `samples` are positions in the set. Ranks may have
    /// different numbers of batches.
    ///
    /// - Parameters:
    ///   - lanesPerBatch: Lanes in a batch; the last one of a rank may hold fewer.
    /// - Throws: If the system gives no thread.
    public init(
        evaluating source: any ImageSource, transform: any ImageTransform, laneSize: Int, lanesPerBatch: Int,
        rank: Int, worldSize: Int, prefetch: Int = 2, threads: Int = 1
    ) throws(ThreadError) {
        filler = BatchFiller(
            source: source, transform: transform, seed: 0, prefetch: prefetch, laneSize: laneSize, views: 1)
        let plan = EvaluationPlan(
            count: source.count, laneSize: laneSize, lanesPerBatch: lanesPerBatch, rank: rank,
            worldSize: worldSize)
        try filler.start(plan, threads: threads)
    }

    /// How many whole batches of a rank may wait in `byteCount` bytes: from 1 to `most`.
    ///
    /// - Parameters:
    ///   - size: Height and width of an image.
    ///   - views: Samples that each image becomes.
    public static func prefetch(
        upTo most: Int, byteCount: Int, batchSize: Int, laneSize: Int, rank: Int, worldSize: Int, size: Int,
        views: Int = 1
    ) -> Int {
        let tree = LaneTree(sampleCount: batchSize, laneSize: laneSize)
        let samples = tree.samples(inLanes: tree.lanes(ofRank: rank, worldSize: worldSize)).count
        let batchByteCount = max(samples, 1) * views * 3 * size * size * MemoryLayout<Float>.size
        return min(max(byteCount / batchByteCount, 1), most)
    }

    deinit { filler.stop() }

    /// The next batch; waits until it is there. `nil` after the last one, and once the loader is closed.
    ///
    /// - Throws: `DatasetError` in the place of the batch in which a record cannot be read, and on every call after.
    public func next() throws(DatasetError) -> Batch? {
        switch end.withLock({ $0 }) {
        case .closed: return nil
        case .failed(let error): throw error
        case .open: break
        }
        switch filler.receive() {
        case nil: return nil
        case .success(let batch): return batch
        case .failure(let error):
            end.withLock { $0 = .failed(error) }
            throw error
        }
    }

    /// Returns once the loader has run ahead as far as it ever does, or has come to its end.
    ///
    /// While the caller holds one batch, as many are in memory then as there can ever be.
    package func waitUntilFull() { filler.waitUntilFull() }

    /// Gives a batch back, so that its memory is used again; the caller must not touch it any more.
    public func recycle(_ batch: Batch) { filler.recycle(batch) }

    /// Ends reading; batches that wait are lost.
    public func close() {
        end.withLock { $0 = .closed }
        filler.stop()
    }
}
