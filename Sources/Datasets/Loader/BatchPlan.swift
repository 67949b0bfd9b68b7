internal import Numerics

/// The batches of one rank in a training run, starting at any step of any epoch.
///
/// Step `s` of an epoch uses positions `[s · batchSize, (s + 1) · batchSize)`, and the last step
/// uses the remaining ones; the batch's `ReductionTree` assigns them to ranks.
struct TrainingPlan: IteratorProtocol, Sendable {
    let sampler: Sampler
    let batchSize: Int
    let microbatchSize: Int
    let rank: Int
    let worldSize: Int
    let epochs: Int
    private var epoch: Int
    private var step: Int
    private var order: SampleOrder?

    init(
        sampler: Sampler, batchSize: Int, microbatchSize: Int, rank: Int, worldSize: Int, startEpoch: Int,
        startStep: Int, epochs: Int
    ) {
        precondition(batchSize >= 1, "a batch of \(batchSize) samples")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        self.sampler = sampler
        self.batchSize = batchSize
        self.microbatchSize = microbatchSize
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
        let tree = ReductionTree(sampleCount: globalSampleCount, microbatchSize: microbatchSize)
        let samples = tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: worldSize))
        defer { step += 1 }
        return BatchRequest(
            epoch: epoch, step: step, samples: samples, globalSampleCount: globalSampleCount,
            records: samples.map { order.record(at: start + $0) })
    }
}

/// A rank's shard of a set in record order, `microbatchesPerBatch` microbatches at a time; over all
/// ranks, every record occurs once.
struct EvaluationPlan: IteratorProtocol, Sendable {
    private let tree: ReductionTree
    private let microbatchesPerBatch: Int
    private var microbatches: Range<Int>
    private var step = 0

    init(count: Int, microbatchSize: Int, microbatchesPerBatch: Int, rank: Int, worldSize: Int) {
        precondition(microbatchesPerBatch >= 1, "batches of \(microbatchesPerBatch) microbatches")
        precondition(0 <= rank && rank < worldSize, "rank \(rank) of \(worldSize)")
        tree = ReductionTree(sampleCount: count, microbatchSize: microbatchSize)
        self.microbatchesPerBatch = microbatchesPerBatch
        microbatches = tree.microbatches(ofRank: rank, worldSize: worldSize)
    }

    mutating func next() -> BatchRequest? {
        let first = microbatches.prefix(microbatchesPerBatch)
        let samples = tree.samples(inMicrobatches: first)
        guard !samples.isEmpty else { return nil }
        microbatches = first.upperBound..<microbatches.upperBound
        defer { step += 1 }
        return BatchRequest(
            epoch: 0, step: step, samples: samples, globalSampleCount: tree.sampleCount,
            records: Array(samples))
    }
}
