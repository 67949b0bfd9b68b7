package import Datasets
internal import Foundation
internal import Numerics
internal import Reporting
internal import Workers

/// Times a data loader whose batches are discarded.
package struct LoaderBenchmark {
    package enum Crop: String, CaseIterable, Codable {
        case padded, resized
    }

    package let dataset: PackedDataset
    package let crop: Crop
    package let size: Int
    package let decoding: JPEGDecoding
    package let batch: Int
    package let threads: Int
    package let window: Int
    package let block: Int

    package init(
        dataset: PackedDataset, crop: Crop, size: Int, decoding: JPEGDecoding, batch: Int, threads: Int,
        window: Int, block: Int
    ) {
        self.dataset = dataset
        self.crop = crop
        self.size = size
        self.decoding = decoding
        self.batch = batch
        self.threads = threads
        self.window = window
        self.block = block
    }

    package struct Result: Codable {
        package let dataset: String
        package let crop: Crop
        package let size: Int
        package let decoding: String
        package let batch: Int
        package let threads: Int
        package let images: Int
        package let seconds: Double
        /// Rate of the median interval of about a second.
        package let imagesPerSecond: Double
        /// Time from creating a loader in the middle of an epoch to its first batch: record order,
        /// threads, memory and the batch's images.
        package let startSeconds: Double
        /// Memory after a quarter of the time.
        package let earlyByteCount: Int
        /// Memory at the end.
        package let lateByteCount: Int
        /// The most memory that the process has had.
        package let peakByteCount: Int
    }

    private var transform: any ImageTransform {
        switch crop {
        case .padded: PaddedCropTransform(size: size, normalization: .cifar10, decoding: decoding)
        case .resized: RandomResizedCropTransform(size: size, normalization: .imageNet, decoding: decoding)
        }
    }

    private func loader(epoch: Int, step: Int) throws -> BatchLoader {
        let sampler = Sampler(
            seed: 0, count: dataset.count, blockSize: block, window: window == 0 ? nil : window)
        let batches = TrainingBatches(
            sampler, BatchDivision(batchSize: batch, microbatchSize: batch), startEpoch: epoch,
            startStep: step, epochs: .max)
        return try BatchLoader(batches, of: dataset, transform: transform, threads: threads)
    }

    package func run(seconds: Int, images least: Int) throws -> Result {
        let clock = ContinuousClock()
        let first = clock.now
        let middle = try loader(epoch: 3, step: dataset.count / batch / 2)
        _ = try middle.next()
        middle.close()
        let startSeconds = (clock.now - first).inSeconds

        let loader = try loader(epoch: 0, step: 0)
        // Held while the loader fills its queue, so that the maximum number of batches is
        // allocated; memory then must not grow.
        let held = try loader.next()
        loader.waitUntilFull()
        if let held { loader.recycle(held) }
        var parts = Parts(length: .seconds(1))
        let start = clock.now
        let end = start + .seconds(seconds)
        var earlyByteCount = 0
        while clock.now < end || parts.total < least, let batch = try loader.next() {
            parts.add(batch.count, at: clock.now)
            loader.recycle(batch)
            if earlyByteCount == 0 && clock.now - start > .seconds(seconds) / 4 && parts.total >= least / 4 {
                earlyByteCount = ProcessMemory.residentByteCount
            }
        }
        let lateByteCount = ProcessMemory.residentByteCount
        loader.close()
        return Result(
            dataset: dataset.name, crop: crop, size: size, decoding: decoding.rawValue, batch: batch,
            threads: threads, images: parts.total, seconds: (clock.now - start).inSeconds,
            imagesPerSecond: median(of: parts.rates), startSeconds: startSeconds,
            earlyByteCount: earlyByteCount, lateByteCount: lateByteCount,
            peakByteCount: ProcessMemory.peakByteCount)
    }

    /// Image rates over intervals of at least `length`.
    private struct Parts {
        let length: Duration
        private(set) var total = 0
        private var full: [Double] = []
        private var count = 0
        private var time = Duration.zero
        private var start = ContinuousClock.now

        init(length: Duration) { self.length = length }

        mutating func add(_ images: Int, at now: ContinuousClock.Instant) {
            total += images
            count += images
            time = now - start
            guard time >= length else { return }
            full.append(Double(count) / time.inSeconds)
            count = 0
            start = now
        }

        /// The rates of the full intervals; of the unfinished one if there is no other.
        var rates: [Double] { full.isEmpty ? [Double(count) / max(time.inSeconds, 1e-9)] : full }
    }
}

extension LoaderBenchmark.Result {
    package var description: String {
        """
        \(dataset), \(crop.rawValue) \(size)×\(size), \(decoding) decoding, batch \(batch), \(threads) threads: \
        \(decimal(imagesPerSecond, 0)) img/s (\(images) in \(decimal(seconds, 1)) s), \
        \(decimal(1000 * startSeconds, 0)) ms to a batch in the middle of an epoch, memory \
        \(decimal(Double(earlyByteCount) / 1e6, 1)) MB, then \(decimal(Double(lateByteCount) / 1e6, 1)) MB
        """
    }
}
