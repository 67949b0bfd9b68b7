public import Cluster
public import Datasets
internal import Kernels
public import Networks
public import Workers

/// Evaluation of a set by all ranks, each its share of whole lanes, every record once.
public struct ForwardPass {
    private let classifier: Classifier
    private let transform: EvaluationTransform
    private let laneSize: Int
    private let lanesPerBatch: Int
    private let communicator: any Communicator
    private let pool: WorkerPool

    /// - Parameters:
    ///   - laneSize: Samples in a lane; a sample's result depends on it, as on nothing else about the job.
    ///   - batchSize: Samples that a rank takes at a time, rounded down to whole lanes.
    public init(
        classifier: Classifier, transform: EvaluationTransform, laneSize: Int, batchSize: Int,
        communicator: any Communicator, pool: WorkerPool
    ) {
        self.classifier = classifier
        self.transform = transform
        self.laneSize = laneSize
        lanesPerBatch = max(batchSize / laneSize, 1)
        self.communicator = communicator
        self.pool = pool
    }

    /// Features and logits of some consecutive records.
    public struct Outputs: Sendable {
        /// Shape `[N, D]`, raw; of a network without a classifier divided by their length.
        public let features: [Float]
        /// Shape `[N, classes]`, as training and accuracy use them; empty of a network without a classifier.
        public let logits: [Float]
        /// Shape `[N]`.
        public let labels: [Int32]
        /// The records' numbers, as the source says it has read them; shape `[N]`.
        public let records: [Int]

        /// The class of each sample's largest logit, the first among equals, or −1 without logits; shape `[N]`.
        public var predictions: [Int32] {
            if logits.isEmpty { return [Int32](repeating: -1, count: labels.count) }
            let classes = logits.count / max(labels.count, 1)
            let logits = logits.span
            var predictions = [Int32](repeating: 0, count: labels.count)
            for sample in labels.indices {
                let row = logits.extracting(sample * classes..<(sample + 1) * classes)
                predictions[sample] = Int32(indexOfMaximum(row))
            }
            return predictions
        }

        /// Samples that are predicted as their label.
        public var correctCount: Int { zip(predictions, labels).count(where: ==) }
    }

    /// Calls `body` for each batch of the rank's records, in order. Not collective: ranks do not wait for each other.
    public func forEachBatch(
        of source: any ImageSource, _ body: (Outputs) throws -> Void
    ) throws {
        try forEachBatch(of: source) { outputs, _ in try body(outputs) }
    }

    /// As above, with the images, shape `[N, H, W, 3]`.
    func forEachBatch(
        of source: any ImageSource, _ body: (Outputs, borrowing Buffer<Float>) throws -> Void
    ) throws {
        try forEachBatchOfImages(of: source) { batch in
            let pass = Pass(
                BatchPlacement(sampleCount: batch.count, laneSize: laneSize), mode: .evaluation, pool: pool)
            let (features, logits) = try classifier.forward(images: batch.images, pass)
            try body(
                Outputs(features: features, logits: logits, labels: batch.labels, records: batch.records),
                batch.images)
        }
    }

    /// As above, without a pass through the network.
    func forEachImages(of source: any ImageSource, _ body: ImagePass.Body) throws {
        try forEachBatchOfImages(of: source) { try body($0.images, $0.count) }
    }

    private func forEachBatchOfImages(of source: any ImageSource, _ body: (Batch) throws -> Void) throws {
        let loader = try BatchLoader(
            evaluating: source, transform: source.keepsSize ? transform.withoutResize : transform,
            laneSize: laneSize, lanesPerBatch: lanesPerBatch,
            rank: communicator.rank, worldSize: communicator.worldSize)
        defer { loader.close() }
        while let batch = try loader.next() {
            try body(batch)
            loader.recycle(batch)
        }
    }

    /// How many records of a set of `count` each rank has, rank 0 first.
    func shares(of count: Int) -> [Int] {
        let tree = LaneTree(sampleCount: count, laneSize: laneSize)
        return (0..<communicator.worldSize).map {
            tree.samples(inLanes: tree.lanes(ofRank: $0, worldSize: communicator.worldSize)).count
        }
    }

    /// The place in a set of `count` of the rank's first record.
    func firstRecord(of count: Int) -> Int { shares(of: count)[..<communicator.rank].reduce(0, +) }

    /// The network as scores inspect it.
    ///
    /// - Parameter members: Other networks for an ensemble.
    func network(with members: [Classifier], _ options: ScoreOptions) -> InspectedNetwork {
        InspectedNetwork(
            classifier, deviation: transform.normalization.deviation, laneSize: laneSize, pool: pool,
            options: options, members: members)
    }

    /// Samples in a lane, and where work is done; what a score needs to go the same way.
    var layout: (laneSize: Int, pool: WorkerPool) { (laneSize, pool) }
}
