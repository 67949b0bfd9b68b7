package import Cluster
package import Datasets
internal import Kernels
package import Memory
package import Networks
internal import Numerics
package import Workers

/// A forward pass over a set by all ranks. Each rank evaluates whole microbatches, and every record
/// is evaluated once.
package struct ForwardPass {
    private let classifier: Classifier
    private let transform: EvaluationTransform
    private let microbatchSize: Int
    private let microbatchesPerBatch: Int
    private let communicator: any Communicator
    private let pool: WorkerPool
    private let flips: Bool

    /// - Parameters:
    ///   - microbatchSize: Samples in a microbatch; a sample's result depends on it, and on no
    ///     other setting of the job.
    ///   - batchSize: Samples per batch of a rank, rounded down to whole microbatches, at least
    ///     one.
    ///   - flips: Whether predictions come from the sum of the logits of an image and of its
    ///     horizontal flip.
    package init(
        classifier: Classifier, transform: EvaluationTransform, microbatchSize: Int, batchSize: Int,
        communicator: any Communicator, pool: WorkerPool, flips: Bool = false
    ) {
        self.flips = flips
        self.classifier = classifier
        self.transform = transform
        self.microbatchSize = microbatchSize
        microbatchesPerBatch = max(batchSize / microbatchSize, 1)
        self.communicator = communicator
        self.pool = pool
    }

    /// Features and logits of some consecutive records.
    package struct Outputs: Sendable {
        /// Shape `[N, D]`, raw; divided by their norm if the network has no classifier.
        package let features: [Float]
        /// Shape `[N, classes]`, as training and accuracy use them; empty for a network without a
        /// classifier.
        package let logits: [Float]
        /// Logits of the flipped images, shape of `logits`; empty if they are not used.
        package var flippedLogits: [Float] = []
        /// Shape `[N]`.
        package let labels: [Int32]
        /// The indices of the records, as the source reports them; shape `[N]`.
        package let records: [Int]

        /// The class of each sample's largest logit (ties go to the first), or −1 without logits;
        /// shape `[N]`. With flipped images that of the largest sum of both logits.
        package var predictions: [Int32] {
            if logits.isEmpty { return [Int32](repeating: -1, count: labels.count) }
            let classes = logits.count / max(labels.count, 1)
            let sums = flippedLogits.isEmpty ? logits : zip(logits, flippedLogits).map { $0 + $1 }
            let logits = sums.span
            var predictions = [Int32](repeating: 0, count: labels.count)
            for sample in labels.indices {
                let row = logits.extracting(sample * classes..<(sample + 1) * classes)
                predictions[sample] = Int32(indexOfMaximum(row))
            }
            return predictions
        }

        /// The number of correct predictions.
        package var correctCount: Int { zip(predictions, labels).count(where: ==) }
    }

    /// Calls `body` for each batch of the rank's records, in order. Not collective: ranks do not
    /// wait for each other.
    package func forEachBatch(
        of source: any ImageSource, _ body: (Outputs) throws -> Void
    ) throws {
        try forEachBatch(of: source) { outputs, _ in try body(outputs) }
    }

    /// As above, with the images, shape `[N, H, W, 3]`.
    package func forEachBatch(
        of source: any ImageSource, _ body: (Outputs, borrowing Buffer<Float>) throws -> Void
    ) throws {
        try forEachBatchOfImages(of: source) { batch in
            let context = StepContext(
                BatchPlacement(sampleCount: batch.count, microbatchSize: microbatchSize), mode: .evaluation,
                pool: pool)
            let (features, logits) = try classifier.forward(images: batch.images, context)
            var outputs = Outputs(
                features: features, logits: logits, labels: batch.labels, records: batch.records)
            if flips {
                let images = flipped(batch.images, size: transform.size)
                outputs.flippedLogits = try classifier.forward(images: images, context).logits
            }
            try body(outputs, batch.images)
        }
    }

    /// As above, with the images alone and no forward pass.
    package func forEachImages(of source: any ImageSource, _ body: ImagePass.Body) throws {
        try forEachBatchOfImages(of: source) { try body($0.images, $0.count) }
    }

    private func forEachBatchOfImages(of source: any ImageSource, _ body: (Batch) throws -> Void) throws {
        classifier.use(imageSize: transform.size)
        let batches = EvaluationBatches(
            count: source.count, microbatchSize: microbatchSize, microbatchesPerBatch: microbatchesPerBatch,
            rank: communicator.rank, worldSize: communicator.worldSize)
        let loader = try BatchLoader(
            batches, of: source, transform: source.keepsSize ? transform.withoutResize : transform)
        defer { loader.close() }
        while let batch = try loader.next() {
            try body(batch)
            loader.recycle(batch)
        }
    }

    /// How many records of a set of `count` each rank has, rank 0 first.
    package func recordsPerRank(of count: Int) -> [Int] {
        let tree = ReductionTree(sampleCount: count, microbatchSize: microbatchSize)
        return (0..<communicator.worldSize).map {
            tree.samples(inMicrobatches: tree.microbatches(ofRank: $0, worldSize: communicator.worldSize))
                .count
        }
    }

    /// The index of the rank's first record in a set of `count`.
    package func firstRecord(of count: Int) -> Int {
        recordsPerRank(of: count)[..<communicator.rank].reduce(0, +)
    }

    /// The network, for scores that inspect it.
    ///
    /// - Parameters:
    ///   - members: Other networks for an ensemble.
    ///   - division: Whether scores see features divided by τ.
    package func network(with members: [Classifier], dividing division: FeatureTemperature)
        -> InspectedNetwork
    {
        InspectedNetwork(
            classifier, deviation: transform.normalization.deviation, microbatchSize: microbatchSize,
            pool: pool,
            dividing: division, members: members)
    }

    /// The microbatch size and the worker pool, for scores that split their work in the same way.
    package var layout: (microbatchSize: Int, pool: WorkerPool) { (microbatchSize, pool) }
}
