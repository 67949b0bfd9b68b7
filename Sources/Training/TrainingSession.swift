internal import Checkpoints
internal import Checksums
internal import Cluster
internal import Datasets
internal import Foundation
internal import Kernels
internal import Networks
internal import RunConfiguration
internal import Workers

/// The state of a run between two steps, and how it takes one.
final class TrainingSession {
    let classifier: Classifier
    let validation: PackedDataset?
    let pool: WorkerPool
    /// In how many passes a step goes; to be agreed on by all ranks before the first one.
    private(set) var parts: StepParts
    /// Bytes that the process had before its network was made.
    private let resident: Int
    /// The images of one pass, where a step has several.
    private var partImages = Buffer<Float>(zeros: 0)
    private(set) var position: TrainingPosition
    private var optimizer: MomentumSGD
    private let schedule: LearningRateSchedule
    private let training: PackedDataset
    private let loader: BatchLoader
    private var proof: EpochProof
    /// Mixes the images of a batch; `nil` where they stay as they are.
    private let mixer: BatchMixer?
    private let configuration: RunConfiguration
    private let rank: Int
    private let worldSize: Int
    private let stepsPerEpoch: Int
    /// Sums gradients over ranks; `nil` for one rank.
    private let reduction: GradientReduction?
    /// The batch of the next step, or why there is none.
    private var upcoming: Result<Batch, any Error>?
    /// Measures what this rank does.
    let phases: PhaseClock
    private var timedSamples = 0

    /// Made on every rank alone, without waiting for another.
    ///
    /// - Parameter sums: A duplicate of `communicator` for the sums of gradients; `nil` for one rank.
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup, convolutions: ConvolutionChoices,
        reading: (PackedDataset) -> any ImageSource, phases: PhaseClock, _ communicator: any Communicator,
        sums: (any Communicator)?
    ) throws {
        self.configuration = configuration
        self.phases = phases
        (classifier, parts, resident) = try setup.makeClassifier(
            configuration, convolutions: convolutions, communicator)
        training = setup.training
        validation = setup.validation
        pool = setup.pool
        rank = communicator.rank
        worldSize = communicator.worldSize
        position = setup.resumed?.checkpoint.position ?? TrainingPosition()
        if position.stepInEpoch == 0 { position.epochRecords = RecordTally() }
        proof = EpochProof(recordCount: training.count, place: training.path)
        mixer = BatchMixer(configuration)
        let batch = configuration.training.batch
        stepsPerEpoch = setup.stepsPerEpoch
        schedule = LearningRateSchedule(
            initial: configuration.optimizer.learningRate,
            minimum: configuration.optimizer.minimumLearningRate,
            stepCount: stepsPerEpoch * configuration.training.epochs,
            stepsPerLevel: configuration.optimizer.schedule == .epoch ? stepsPerEpoch : 1,
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
            laneSize: configuration.training.lane, rank: rank, worldSize: worldSize,
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

    /// Asks for the first batch; to be called before the first step.
    func start() throws(DatasetError) { upcoming = .success(try nextBatch()) }

    /// Forward, backward, sum over ranks; then the next batch, and one message about all of it; then the update.
    ///
    /// - Parameter ownFlags: Says how this rank is, once its part of the step is done: whether it cannot go on for a reason of its own, and what
    ///   is to be done after the step.
    func step(
        _ communicator: any Communicator, flags ownFlags: () -> StepMessage.Flags
    ) throws -> (report: StepReport, message: StepMessage) {
        guard case .success(let batch) = upcoming else {
            preconditionFailure("step \(position.step) has no batch")
        }
        phases.begin(step: position.step)
        let report = try differentiate(batch, communicator)
        let samples = batch.globalSampleCount
        proof.note(batch.records)
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

    /// The share of correct predictions; `nil` of a network that makes none.
    private func accuracy(_ correct: Int, of count: Int) -> Double? {
        classifier.headKind.isClassifier ? Double(correct) / Double(count) : nil
    }

    /// Why the next batch is not there, if it is not.
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

    /// Takes the most parts that any rank's memory asks for; collective, before the first step.
    func agreeOnParts(_ communicator: any Communicator) throws {
        let limit = try communicator.maximum(parts.limit)
        parts = StepParts(limit: limit, configuration, worldSize: worldSize)
    }

    /// Both passes over the rank's samples of a batch.
    private func differentiate(
        _ batch: Batch, _ communicator: any Communicator
    ) throws -> Classifier.LaneReport {
        beginReduction(&classifier.parameters.gradients)
        let placements = parts.placements(imageCount: batch.globalSampleCount, rank: rank)
        guard let mixer else {
            return try differentiate(
                batch.images, BatchTargets(batch.labels), in: placements, communicator)
        }
        let targets = phases.measure(.data) { mixer.mix(batch, on: pool) }
        return try differentiate(mixer.images, targets, in: placements, communicator)
    }

    /// Both passes, in as many parts as the memory asks for.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, in placements: [BatchPlacement],
        _ communicator: any Communicator
    ) throws -> Classifier.LaneReport {
        guard placements.count > 1 else {
            return try differentiate(images, targets, placements[0], communicator)
        }
        var values: [Double] = []
        let first = placements[0].samples.lowerBound
        for placement in placements {
            let samples = placement.samples.lowerBound - first..<placement.samples.upperBound - first
            copyImages(images, samples, into: &partImages)
            values += try differentiate(partImages, targets.part(samples), placement, communicator).values
        }
        return Classifier.LaneReport(values: values)
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

    /// Both passes; the sums over ranks begin as gradients are ready.
    private func differentiate(
        _ images: borrowing Buffer<Float>, _ targets: BatchTargets, _ placement: BatchPlacement,
        _ communicator: any Communicator
    ) throws -> Classifier.LaneReport {
        let pass = Pass(
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
            images: images, targets: targets, loss: configuration.trainingLoss, pass
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
    /// - Throws: `JobFailure` if one differs, or if all have numbers that are none.
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

    /// Adds up over all ranks what the epoch has read so far; collective, before a checkpoint and at the end of an epoch.
    func gatherRecords(_ communicator: any Communicator) throws {
        try proof.gather(into: &position.epochRecords, communicator)
    }

    /// Refuses an epoch that has not read every record once.
    func proveEpoch() throws(DatasetError) {
        try proof.check(position.epochRecords, epoch: position.epoch + 1)
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
        position.epochRecords = RecordTally()
        timedSamples = 0
        return report
    }

    /// Chooses the best model from the next epoch on, as the one before is lost; on all ranks.
    func forgetBest() {
        position.bestAccuracy = TrainingPosition().bestAccuracy
        position.bestEpoch = 0
    }

    /// Memory for snapshots that a run can go on from.
    func makeSnapshot() -> Snapshot {
        Snapshot(
            of: classifier, configuration: configuration.yaml, dataFingerprint: training.fingerprint)
    }

    /// Overwrites `snapshot` with the state as it is now.
    ///
    /// - Throws: If a number is NaN or infinite: the next loss would tell, but a checkpoint comes first.
    func take(_ snapshot: Snapshot) throws(TrainingError) {
        let culprit = snapshot.take(
            classifier.parameters, velocity: optimizer.velocity, position: position, on: pool)
        if let culprit { throw .tensorNotFinite(name: culprit, step: position.step) }
    }

    /// Steps between two checkpoints of which one is kept for good; 0 for none.
    var milestone: Int {
        let (every, keepEvery) = (configuration.training.checkpointEvery, configuration.training.keepEvery)
        return keepEvery * (every > 0 ? every : stepsPerEpoch)
    }

    func plan(_ setup: TrainingSetup, _ communicator: any Communicator, directory: String) -> TrainingPlan {
        let memory = setup.memory(classifier, parts, configuration, resident: resident, communicator)
        return TrainingPlan(
            network: classifier.name.rawValue, parameterCount: classifier.parameters.parameterCount,
            worldSize: worldSize, threads: pool.threads,
            threadChoice: setup.threads.description(configuration.compute.threads),
            sampleCount: training.count,
            batchSize: configuration.training.batch, epochs: configuration.training.epochs,
            stepsPerEpoch: stepsPerEpoch, firstStep: position.step, resumedFrom: setup.resumed?.path,
            runDirectory: directory, memoryByteCount: memory.rankByteCount + memory.writingByteCount,
            partCount: parts.count(imageCount: configuration.training.batch),
            hasClassifier: classifier.headKind.isClassifier, hasValidation: validation != nil)
    }
}

extension Duration {
    /// In seconds, never 0.
    var seconds: Double {
        max(Double(components.seconds) + Double(components.attoseconds) * 1e-18, 1e-9)
    }
}
