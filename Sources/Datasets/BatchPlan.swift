internal import Kernels

/// The batches of one rank in a training run, from any step of any epoch on.
///
/// Global step `s` of an epoch uses positions `[s · batchSize, (s + 1) · batchSize)`, the last one what is left; the
/// batch's `LaneTree` says which of them are the rank's.
struct TrainingPlan: IteratorProtocol, Sendable {
    let sampler: Sampler
    let batchSize: Int
    let laneSize: Int
    let rank: Int
    let worldSize: Int
    let epochs: Int
    private var epoch: Int
    private var step: Int
    private var order: SampleOrder?

    init(
        sampler: Sampler, batchSize: Int, laneSize: Int, rank: Int, worldSize: Int, startEpoch: Int,
        startStep: Int, epochs: Int
    ) {
        precondition(batchSize >= 1, "a batch of \(batchSize) samples")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        self.sampler = sampler
        self.batchSize = batchSize
        self.laneSize = laneSize
        self.rank = rank
        self.worldSize = worldSize
        self.epochs = epochs
        epoch = startEpoch
        step = startStep
        precondition(
            startEpoch >= 0 && (0...stepsPerEpoch).contains(startStep),
            "a start at step \(startStep) of \(stepsPerEpoch) in epoch \(startEpoch)")
    }

    var stepsPerEpoch: Int { (sampler.count + batchSize - 1) / batchSize }

    mutating func next() -> BatchRequest? {
        if step == stepsPerEpoch {
            epoch += 1
            step = 0
        }
        guard epoch < epochs, step < stepsPerEpoch else { return nil }
        if order?.epoch != epoch { order = sampler.order(epoch: epoch) }
        guard let order else { return nil }
        let start = step * batchSize
        let globalSampleCount = min(batchSize, sampler.count - start)
        let tree = LaneTree(sampleCount: globalSampleCount, laneSize: laneSize)
        let samples = tree.samples(inLanes: tree.lanes(ofRank: rank, worldSize: worldSize))
        defer { step += 1 }
        return BatchRequest(
            epoch: epoch, step: step, samples: samples, globalSampleCount: globalSampleCount,
            records: samples.map { order.record(at: start + $0) })
    }
}

/// A rank's share of a set in the order of its records, some lanes at a time: every record once, over all ranks.
struct EvaluationPlan: IteratorProtocol, Sendable {
    private let tree: LaneTree
    private let lanesPerBatch: Int
    private var lanes: Range<Int>
    private var step = 0

    init(count: Int, laneSize: Int, lanesPerBatch: Int, rank: Int, worldSize: Int) {
        precondition(lanesPerBatch >= 1, "batches of \(lanesPerBatch) lanes")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        tree = LaneTree(sampleCount: count, laneSize: laneSize)
        self.lanesPerBatch = lanesPerBatch
        lanes = tree.lanes(ofRank: rank, worldSize: worldSize)
    }

    mutating func next() -> BatchRequest? {
        let first = lanes.prefix(lanesPerBatch)
        let samples = tree.samples(inLanes: first)
        guard !samples.isEmpty else { return nil }
        lanes = first.upperBound..<lanes.upperBound
        defer { step += 1 }
        return BatchRequest(
            epoch: 0, step: step, samples: samples, globalSampleCount: tree.sampleCount,
            records: Array(samples))
    }
}
