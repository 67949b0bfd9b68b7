internal import Synchronization
package import Workers

/// Reads, transforms and hands out one rank's batches in order, and prefetches some of them.
///
/// The contents of a batch are a function of the sampler, the step and the rank; the pixels of a
/// record are a function of (seed, epoch, record, view). Neither depends on the number of threads
/// or on `prefetch`.
///
/// Reading ends when the loader is deallocated or closed; neither waits for a record that is being
/// read.
package final class BatchLoader: Sendable {
    private let filler: BatchFiller
    private let end = Mutex<End>(.open)

    private enum End {
        case open
        case closed
        case failed(DatasetError)
    }

    /// Loads a rank's batches of a training run, including the last, short batch of an epoch.
    ///
    /// - Parameters:
    ///   - views: Samples made of each image, each with its own random numbers.
    ///   - prefetch: Maximum number of batches that wait to be used.
    ///   - threads: Number of workers that read and transform.
    /// - Precondition: `batches` orders as many records as `source` holds.
    /// - Throws: If the system cannot create a thread.
    package init(
        _ batches: TrainingBatches, of source: any ImageSource, transform: any ImageTransform, views: Int = 1,
        prefetch: Int = 2, threads: Int = 1
    ) throws(ThreadError) {
        precondition(
            batches.sampler.count == source.count,
            "the sampler orders \(batches.sampler.count) records, the source holds \(source.count)")
        filler = BatchFiller(
            source: source, transform: transform, seed: batches.sampler.seed, prefetch: prefetch,
            microbatchSize: batches.microbatchSize, views: views)
        try filler.start(batches, threads: threads)
    }

    /// Loads a rank's shard of a whole set in record order.
    ///
    /// The batch's `step` counts the rank's batches, and its `samples` are positions in the set.
    /// Ranks may have different numbers of batches.
    ///
    /// - Precondition: `batches` is about as many records as `source` holds.
    /// - Throws: If the system cannot create a thread.
    package init(
        _ batches: EvaluationBatches, of source: any ImageSource, transform: any ImageTransform,
        prefetch: Int = 2, threads: Int = 1
    ) throws(ThreadError) {
        precondition(
            batches.count == source.count,
            "batches of \(batches.count) records, the source holds \(source.count)")
        filler = BatchFiller(
            source: source, transform: transform, seed: 0, prefetch: prefetch,
            microbatchSize: batches.microbatchSize, views: 1)
        try filler.start(batches, threads: threads)
    }

    /// The number of a rank's full batches that fit into `byteCount` bytes, clamped to 1...`most`.
    ///
    /// - Parameters:
    ///   - size: Height and width of an image.
    ///   - views: Samples made of each image.
    package static func prefetch(
        upTo most: Int, byteCount: Int, _ division: BatchDivision, size: Int, views: Int = 1
    ) -> Int {
        let samples = division.samples(ofBatchOf: division.batchSize).count
        let batchByteCount = max(samples, 1) * views * 3 * size * size * MemoryLayout<Float>.size
        return min(max(byteCount / batchByteCount, 1), most)
    }

    deinit { filler.stop() }

    /// Waits for the next batch and returns it; `nil` after the last one, and once the loader is
    /// closed.
    ///
    /// - Throws: `DatasetError` instead of a batch with a record that cannot be read, and on every
    ///   later call.
    package func next() throws(DatasetError) -> Batch? {
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

    /// Returns once the loader has prefetched as much as it can, or has reached its end.
    ///
    /// If the caller holds one batch at that time, memory use is at its maximum.
    package func waitUntilFull() { filler.waitUntilFull() }

    /// Gives a batch back, so that its memory is reused; the caller must not use it any more.
    package func recycle(_ batch: Batch) { filler.recycle(batch) }

    /// Ends reading; waiting batches are discarded.
    package func close() {
        end.withLock { $0 = .closed }
        filler.stop()
    }
}
