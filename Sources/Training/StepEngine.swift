internal import Checkpoints
internal import Cluster
internal import Datasets
internal import Kernels
internal import Memory
internal import Networks
internal import Workers

/// Computes training steps: loads a batch, runs both passes, all-reduces gradients, updates
/// parameters. It knows neither the run's configuration nor its files.
final class StepEngine {
    let classifier: Classifier
    let pool: WorkerPool
    private let options: StepOptions
    private let loader: StagedLoader
    private let mixer: BatchMixer?
    /// All-reduces gradients; `nil` for one rank.
    private let reduction: GradientReduction?
    private let rank: Int
    private let phases: StepProfiler
    private var optimizer: Optimizer
    /// The images of one accumulation step, if a step has several.
    private var stepImages = Buffer<Float>(zeros: 0)
    /// The batch of the next step, or why there is none.
    private var upcoming: Result<(batch: Batch, imageSize: Int), any Error>?

    /// The outcome of a step, after the exchange with the other ranks.
    struct StepResult {
        let message: StepMessage
        /// Images of the global batch.
        let imageCount: Int
        /// The records of this rank's images.
        let records: [Int]
        let learningRate: Double
        /// What keeps the parameters from being updated, if anything.
        let nonFinite: NonFiniteGradient?
    }

    /// - Parameters:
    ///   - loader: The rank's part of the batches, from the run's next step on.
    ///   - sums: A duplicate of the job's communicator for the all-reduce of gradients; `nil` for
    ///     one rank.
    init(
        _ classifier: Classifier, _ options: StepOptions, loader: StagedLoader, pool: WorkerPool,
        phases: StepProfiler, sums: (any Communicator)?
    ) throws(ThreadError) {
        self.classifier = classifier
        self.options = options
        self.loader = loader
        self.pool = pool
        self.phases = phases
        rank = sums?.rank ?? 0
        mixer = options.mixing.map { BatchMixer($0, samplesPerImage: options.samplesPerImage) }
        reduction = try Self.reduction(classifier.parameters, options, sums, phases)
        optimizer = Optimizer(options.optimizer, of: classifier.parameters)
    }

    /// Overwrites the optimiser's state with that of the checkpoint at `path`.
    ///
    /// - Throws: If it lacks a part, or is another optimiser's.
    func restoreOptimizer(_ checkpoint: Checkpoint, path: String) throws(CheckpointError) {
        try optimizer.restore(checkpoint, of: classifier.parameters, path: path)
    }

    private static func reduction(
        _ parameters: ParameterStore, _ options: StepOptions, _ sums: (any Communicator)?,
        _ phases: StepProfiler
    ) throws(ThreadError) -> GradientReduction? {
        guard let sums else { return nil }
        let buckets = GradientBuckets(
            tensors: parameters.trainedEntries.map(\.range),
            byteCount: options.bucketByteCount)
        return try GradientReduction(
            buckets, over: sums, method: options.usesReductionTree ? .tree : .library,
            observer: { phases.note(.sum, from: $0, to: $1) })
    }

    /// Loads the first batch; to be called before the first step.
    func start(atStep step: Int) throws { upcoming = .success(try nextBatch(step)) }

    /// The rank's part of the next batch.
    private func nextBatch(_ step: Int) throws -> (batch: Batch, imageSize: Int) {
        let batch = try phases.measure(.data) { try loader.next() }
        guard let batch else {
            throw DatasetError(
                action: "read a batch", place: options.setPath,
                reason: "it ended before step \(step) of \(options.schedule.stepCount)")
        }
        return batch
    }

    /// Runs the forward and the backward pass and the all-reduce of gradients, loads the next
    /// batch, exchanges one message about all of it, then updates the parameters if their
    /// gradients are finite.
    ///
    /// - Parameters:
    ///   - step: Updates made so far.
    ///   - ownFlags: Called when this rank's work of the step is done; returns whether the rank has
    ///     failed for a reason of its own, and what is due after the step.
    func run(
        step: Int, _ communicator: any Communicator, flags ownFlags: () -> StepMessage.Flags
    ) throws -> StepResult {
        guard case .success((let batch, let imageSize)) = upcoming else {
            preconditionFailure("step \(step) has no batch")
        }
        phases.begin(step: step)
        classifier.use(imageSize: imageSize)
        let report = try differentiate(batch, step: step, communicator)
        let (imageCount, records) = (batch.globalSampleCount, batch.records)
        loader.recycle(batch)
        if step + 1 < options.schedule.stepCount { upcoming = Result { try nextBatch(step) } }
        let message = try phases.measure(.wait) {
            var flags = ownFlags()
            flags.hasFailed = flags.hasFailed || nextBatchFailure != nil
            let message = try StepMessage(report, flags, communicator)
            try reduction?.finish()
            return message
        }
        let rate = options.schedule.rate(step: step)
        let nonFinite = phases.measure(.update) {
            let found = NonFiniteGradient.first(in: classifier.parameters, on: pool)
            if found == nil {
                optimizer.update(classifier.parameters, number: step + 1, learningRate: rate, on: pool)
            }
            return found
        }
        return StepResult(
            message: message, imageCount: imageCount, records: records, learningRate: rate,
            nonFinite: nonFinite)
    }

    /// Why the next batch is missing, if it is.
    var nextBatchFailure: (any Error)? {
        guard case .failure(let error) = upcoming else { return nil }
        return error
    }

    /// Runs both passes over the rank's samples of a batch.
    private func differentiate(
        _ batch: Batch, step: Int, _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        beginReduction()
        let numbers = StepContext.Numbers(seed: options.seed, step: step)
        let placements = options.accumulation.placements(imageCount: batch.globalSampleCount, rank: rank)
        guard let mixer else {
            return try differentiate(
                batch.images, BatchTargets(batch.labels), in: placements, numbers, communicator)
        }
        let targets = phases.measure(.data) { mixer.mix(batch, on: pool) }
        return try differentiate(mixer.images, targets, in: placements, numbers, communicator)
    }

    /// Runs both passes for each accumulation step.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, in placements: [BatchPlacement],
        _ numbers: StepContext.Numbers, _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        guard placements.count > 1 else {
            return try differentiate(images, targets, placements[0], numbers, communicator)
        }
        var values: [Double] = []
        let first = placements[0].samples.lowerBound
        for placement in placements {
            let samples = placement.samples.lowerBound - first..<placement.samples.upperBound - first
            let count = samples.count * classifier.imageCount
            withSpans(images, into: &stepImages, count: count) {
                copy($0, from: samples.lowerBound * classifier.imageCount, count: count, into: &$1, at: 0)
            }
            values += try differentiate(stepImages, targets.part(samples), placement, numbers, communicator)
                .values
        }
        return Classifier.MicrobatchReport(values: values)
    }

    /// Runs both passes; the all-reduce of gradients begins as they become ready.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, _ placement: BatchPlacement,
        _ numbers: StepContext.Numbers, _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        let context = StepContext(
            placement, mode: .training, pool: pool, numbers: numbers,
            sumAcrossRanks: { values in try communicator.treeSum(&values) },
            gradientsReady: { [reduction, phases] in
                phases.tick()
                reduction?.complete($0)
            })
        phases.enter(.forward)
        let start = ContinuousClock.now
        var middle = start
        let report = try classifier.differentiate(
            images: images, targets: targets, loss: options.loss, context
        ) {
            middle = .now
            phases.enter(.backward)
        }
        phases.note(.forward, from: start, to: middle)
        phases.note(.backward, from: middle, to: .now)
        return report
    }

    private func beginReduction() {
        guard let reduction else { return }
        let parameters = classifier.parameters
        withSpans(into: &parameters.gradients, count: parameters.parameterCount) {
            // The buffer is the network's and is not replaced; `finish` is called before the
            // update.
            unsafe reduction.begin(&$0)
        }
    }

    /// Compares the ranks' replicas after update `step`; collective.
    ///
    /// - Throws: `JobFailure` if one differs, or if all have NaN or infinite values.
    func compareReplicas(step: Int, _ communicator: any Communicator) throws {
        guard communicator.worldSize > 1 else { return }
        try ReplicaSentinel(
            classifier.parameters, slots: optimizer.slots, layout: optimizer.layout, on: pool
        ).compare(step: step, communicator)
    }

    /// Runs `body` with the averages of weights and running statistics in the network, if the run
    /// has them.
    func withAveragedWeights<Result>(_ body: () throws -> Result) rethrows -> Result {
        optimizer.exchangeAverage(with: classifier.parameters)
        defer { optimizer.exchangeAverage(with: classifier.parameters) }
        return try body()
    }

    /// Overwrites `snapshot` with the current state.
    ///
    /// - Throws: If a value is NaN or infinite: the next loss would show it, but the checkpoint is
    ///   written before that.
    func take(_ snapshot: Snapshot, at position: TrainingPosition) throws(TrainingError) {
        let culprit = snapshot.take(
            classifier.parameters, slots: optimizer.slots, position: position, on: pool)
        if let culprit { throw .tensorNotFinite(name: culprit, step: position.step) }
    }
}
