internal import Checkpoints
internal import Checksums
internal import Cluster
internal import Datasets
internal import Foundation
internal import Kernels
internal import Networks
internal import Numerics
internal import RunConfiguration
internal import Software
internal import Workers

/// The state of a run between two steps, and its training step.
final class TrainingSession {
    let classifier: Classifier
    let validation: PackedDataset?
    let pool: WorkerPool
    /// The gradient accumulation of a step; all ranks must agree on it before the first step.
    private(set) var accumulation: GradientAccumulation
    /// Resident bytes of the process before anything large was allocated.
    private let resident: Int
    /// The images of one accumulation step, if a step has several.
    private var stepImages = Buffer<Float>(zeros: 0)
    private(set) var position: TrainingPosition
    private var optimizer: MomentumSGD
    private let schedule: LearningRateSchedule
    private let training: PackedDataset
    private let loader: BatchLoader
    private var coverage: EpochCoverage
    /// Mixes the images of a batch; `nil` without mixing.
    private let mixer: BatchMixer?
    private let configuration: RunConfiguration
    private let rank: Int
    private let worldSize: Int
    private let stepsPerEpoch: Int
    /// All-reduces gradients; `nil` for one rank.
    private let reduction: GradientReduction?
    /// The batch of the next step, or why there is none.
    private var upcoming: Result<Batch, any Error>?
    /// Measures what this rank does.
    let phases: StepProfiler
    private var timedSamples = 0

    /// Runs on every rank without communication.
    ///
    /// - Parameter sums: A duplicate of `communicator` for the all-reduce of gradients; `nil` for
    ///   one rank.
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup, convolutions: AlgorithmSelection,
        reading: (PackedDataset) -> any ImageSource, phases: StepProfiler, _ communicator: any Communicator,
        sums: (any Communicator)?
    ) throws {
        self.configuration = configuration
        self.phases = phases
        (classifier, accumulation, resident) = try setup.makeClassifier(
            configuration, convolutions: convolutions, communicator)
        training = setup.training
        validation = setup.validation
        pool = setup.pool
        rank = communicator.rank
        worldSize = communicator.worldSize
        position = setup.resumed?.checkpoint.position ?? TrainingPosition()
        if position.stepInEpoch == 0 { position.epochRecords = MultisetHash() }
        coverage = EpochCoverage(recordCount: training.count, place: training.path)
        mixer = BatchMixer(configuration)
        let batch = configuration.training.batch
        stepsPerEpoch = setup.stepsPerEpoch
        schedule = LearningRateSchedule(
            initial: configuration.optimizer.learningRate,
            minimum: configuration.optimizer.minimumLearningRate,
            stepCount: stepsPerEpoch * configuration.training.epochs,
            stepsPerLevel: configuration.optimizer.scheduleInterval == .epoch ? stepsPerEpoch : 1,
            warmUpSteps: configuration.optimizer.warmUpEpochs * stepsPerEpoch,
            warmUpRate: configuration.optimizer.warmUpLearningRate)
        optimizer = MomentumSGD(
            momentum: Float(configuration.optimizer.momentum),
            weightDecay: Float(configuration.optimizer.weightDecay),
            usesNesterov: configuration.optimizer.nesterov,
            parameterCount: classifier.parameters.parameterCount)
        if let resumed = setup.resumed {
            try optimizer.restore(
                resumed.checkpoint.momentum, of: classifier.parameters, path: resumed.path)
        }
        reduction = try Self.reduction(
            classifier.parameters, configuration.cluster, sums,
            observer: { phases.note(.sum, from: $0, to: $1) })
        loader = try BatchLoader(
            source: reading(training), sampler: configuration.sampler(count: training.count),
            transform: configuration.trainingTransform, batchSize: batch,
            microbatchSize: configuration.training.microbatch, rank: rank, worldSize: worldSize,
            startEpoch: position.epoch, startStep: position.stepInEpoch,
            epochs: configuration.training.epochs, views: configuration.viewsPerImage,
            prefetch: setup.prefetch, threads: 1)
    }

    var isDone: Bool { position.epoch >= configuration.training.epochs }
    var isAtEndOfEpoch: Bool { position.stepInEpoch == stepsPerEpoch }

    /// The rank's part of the next batch.
    private func nextBatch() throws(DatasetError) -> Batch {
        let batch = try phases.measure(.data) { () throws(DatasetError) in try loader.next() }
        guard let batch else {
            throw DatasetError(
                action: "read a batch", place: training.path,
                reason: "it ended before step \(position.step) of \(schedule.stepCount)")
        }
        return batch
    }

    /// Loads the first batch; to be called before the first step.
    func start() throws(DatasetError) { upcoming = .success(try nextBatch()) }

    /// Runs the forward and the backward pass and the all-reduce of gradients, loads the next
    /// batch, exchanges one message about all of it, then updates the parameters.
    ///
    /// - Parameter ownFlags: Called when this rank's work of the step is done; returns whether the
    ///   rank has failed for a reason of its own, and what is due after the step.
    func step(
        _ communicator: any Communicator, flags ownFlags: () -> StepMessage.Flags
    ) throws -> (report: StepReport, message: StepMessage) {
        guard case .success(let batch) = upcoming else {
            preconditionFailure("step \(position.step) has no batch")
        }
        phases.begin(step: position.step)
        let report = try differentiate(batch, communicator)
        let samples = batch.globalSampleCount
        coverage.note(batch.records)
        loader.recycle(batch)
        if position.step + 1 < schedule.stepCount { upcoming = Result { try nextBatch() } }
        let message = try phases.measure(.wait) {
            var flags = ownFlags()
            flags.hasFailed = flags.hasFailed || nextBatchFailure != nil
            let message = try StepMessage(report, flags, communicator)
            try reduction?.finish()
            return message
        }
        let rate = schedule.rate(step: position.step)
        phases.measure(.update) {
            optimizer.update(classifier.parameters, learningRate: Float(rate), on: pool)
        }
        position.step += 1
        position.stepInEpoch += 1
        position.epochLoss += message.loss
        position.epochCorrect += message.correct
        position.epochSamples += samples
        timedSamples += samples
        return (
            StepReport(
                step: position.step, epoch: position.epoch + 1, stepInEpoch: position.stepInEpoch,
                loss: message.loss / Double(samples * configuration.samplesPerImage),
                accuracy: accuracy(message.correct, of: samples * configuration.samplesPerImage),
                learningRate: rate), message
        )
    }

    /// The fraction of correct predictions; `nil` for a network without a classifier.
    private func accuracy(_ correct: Int, of count: Int) -> Double? {
        classifier.headKind.isClassifier ? Double(correct) / Double(count) : nil
    }

    /// Why the next batch is missing, if it is.
    var nextBatchFailure: (any Error)? {
        guard case .failure(let error) = upcoming else { return nil }
        return error
    }

    private static func reduction(
        _ parameters: ParameterStore, _ configuration: ClusterConfiguration, _ sums: (any Communicator)?,
        observer: @escaping GradientReduction.Observer
    ) throws(ThreadError) -> GradientReduction? {
        guard let sums else { return nil }
        let buckets = GradientBuckets(
            tensors: parameters.entries.filter { $0.role == .parameter }.map(\.range),
            byteCount: configuration.bucketBytes)
        return try GradientReduction(
            buckets, over: sums,
            method: configuration.reduction == .tree ? .tree : .library, observer: observer)
    }

    /// Sets the accumulation steps to the largest number that any rank's memory requires;
    /// collective, before the first step.
    func agreeOnAccumulation(_ communicator: any Communicator) throws {
        let limit = try communicator.maximum(accumulation.limit)
        accumulation = GradientAccumulation(limit: limit, configuration, worldSize: worldSize)
    }

    /// Runs both passes over the rank's samples of a batch.
    private func differentiate(
        _ batch: Batch, _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        beginReduction(&classifier.parameters.gradients)
        let placements = accumulation.placements(imageCount: batch.globalSampleCount, rank: rank)
        guard let mixer else {
            return try differentiate(
                batch.images, BatchTargets(batch.labels), in: placements, communicator)
        }
        let targets = phases.measure(.data) { mixer.mix(batch, on: pool) }
        return try differentiate(mixer.images, targets, in: placements, communicator)
    }

    /// Runs both passes for each accumulation step.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, in placements: [BatchPlacement],
        _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        guard placements.count > 1 else {
            return try differentiate(images, targets, placements[0], communicator)
        }
        var values: [Double] = []
        let first = placements[0].samples.lowerBound
        for placement in placements {
            let samples = placement.samples.lowerBound - first..<placement.samples.upperBound - first
            copyImages(images, samples, into: &stepImages)
            values += try differentiate(stepImages, targets.part(samples), placement, communicator).values
        }
        return Classifier.MicrobatchReport(values: values)
    }

    private func copyImages(
        _ images: borrowing Buffer<Float>, _ samples: Range<Int>, into part: inout Buffer<Float>
    ) {
        let size = classifier.imageCount
        part.reserve(samples.count * size)
        let images = images.span
        var part = part.mutableSpan
        for i in 0..<samples.count * size { part[i] = images[samples.lowerBound * size + i] }
    }

    /// Runs both passes; the all-reduce of gradients begins as they become ready.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, _ placement: BatchPlacement,
        _ communicator: any Communicator
    ) throws -> Classifier.MicrobatchReport {
        let context = StepContext(
            placement, mode: .training, pool: pool,
            sumAcrossRanks: { values in try communicator.treeSum(&values) },
            gradientsReady: { [reduction, phases] in
                phases.tick()
                reduction?.complete($0)
            })
        phases.enter(.forward)
        let start = ContinuousClock.now
        var middle = start
        let report = try classifier.differentiate(
            images: images, targets: targets, loss: configuration.trainingLoss, context
        ) {
            middle = .now
            phases.enter(.backward)
        }
        phases.note(.forward, from: start, to: middle)
        phases.note(.backward, from: middle, to: .now)
        return report
    }

    /// Compares the ranks' replicas; collective.
    ///
    /// - Throws: `JobFailure` if one differs, or if all have NaN or infinite values.
    func compareReplicas(_ communicator: any Communicator) throws {
        guard worldSize > 1 else { return }
        try ReplicaSentinel(classifier.parameters, velocity: optimizer.velocity, on: pool)
            .compare(step: position.step, communicator)
    }

    private func beginReduction(_ gradients: inout Buffer<Float>) {
        guard let reduction else { return }
        gradients.reserve(classifier.parameters.parameterCount)
        var span = gradients.mutableSpan
        reduction.begin(&span)
    }

    /// Sums the epoch's multiset hash over all ranks; collective, before a checkpoint and at the
    /// end of an epoch.
    func gatherRecords(_ communicator: any Communicator) throws {
        try coverage.gather(into: &position.epochRecords, communicator)
    }

    /// Refuses an epoch that has not read every record once.
    func proveEpoch() throws(DatasetError) {
        try coverage.check(position.epochRecords, epoch: position.epoch + 1)
    }

    /// Closes the epoch that the last step ended.
    ///
    /// - Parameter validationAccuracy: `nil` without a classifier or a validation set.
    func endEpoch(validationAccuracy: Double?) -> EpochReport {
        let times = phases.takeTimes()
        let seconds = times.total.seconds
        let samples = position.epochSamples * configuration.samplesPerImage
        let report = EpochReport(
            epoch: position.epoch + 1, step: position.step,
            loss: position.epochLoss / Double(samples),
            accuracy: accuracy(position.epochCorrect, of: samples),
            validationAccuracy: validationAccuracy, imagesPerSecond: Double(timedSamples) / seconds,
            seconds: seconds, shares: times.shares,
            recordCount: position.epochSamples, recordHash: position.epochRecords?.hexadecimal)
        if let validationAccuracy, validationAccuracy >= position.bestAccuracy {
            position.bestAccuracy = validationAccuracy
            position.bestEpoch = position.epoch + 1
        }
        position.epoch += 1
        position.stepInEpoch = 0
        position.epochLoss = 0
        position.epochCorrect = 0
        position.epochSamples = 0
        position.epochRecords = MultisetHash()
        timedSamples = 0
        return report
    }

    /// Discards the best accuracy, whose model is lost: the best model is chosen from the next
    /// epoch on. To be called on all ranks.
    func forgetBest() {
        position.bestAccuracy = TrainingPosition().bestAccuracy
        position.bestEpoch = 0
    }

    /// Allocates the memory of the snapshots that checkpoints are written from.
    func makeSnapshot() -> Snapshot {
        Snapshot(
            of: classifier, configuration: configuration.yaml, dataFingerprint: training.fingerprint,
            software: .current)
    }

    /// Overwrites `snapshot` with the current state.
    ///
    /// - Throws: If a value is NaN or infinite: the next loss would show it, but the checkpoint is
    ///   written before that.
    func take(_ snapshot: Snapshot) throws(TrainingError) {
        let culprit = snapshot.take(
            classifier.parameters, velocity: optimizer.velocity, position: position, on: pool)
        if let culprit { throw .tensorNotFinite(name: culprit, step: position.step) }
    }

    /// Steps between two checkpoints that are kept permanently; 0 for none.
    var milestone: Int {
        let (every, keepEvery) = (configuration.training.checkpointEvery, configuration.training.keepEvery)
        return keepEvery * (every > 0 ? every : stepsPerEpoch)
    }

    func plan(_ setup: TrainingSetup, _ communicator: any Communicator, directory: String) -> TrainingPlan {
        let memory = setup.memory(classifier, accumulation, configuration, resident: resident, communicator)
        return TrainingPlan(
            network: classifier.name.rawValue, parameterCount: classifier.parameters.parameterCount,
            worldSize: worldSize, threads: pool.threads,
            threadChoice: setup.threads.description(configuration.compute.threads),
            sampleCount: training.count,
            batchSize: configuration.training.batch, epochs: configuration.training.epochs,
            stepsPerEpoch: stepsPerEpoch, firstStep: position.step, resumedFrom: setup.resumed?.path,
            runDirectory: directory, memoryByteCount: memory.rankByteCount + memory.writingByteCount,
            accumulationSteps: accumulation.count(imageCount: configuration.training.batch),
            hasClassifier: classifier.headKind.isClassifier, hasValidation: validation != nil)
    }
}

extension Duration {
    /// In seconds, never 0.
    var seconds: Double { max(inSeconds, 1e-9) }
}
