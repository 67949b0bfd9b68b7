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
    let validation: PackedDataset
    let pool: WorkerPool
    private let memory: MemoryBudget
    private(set) var position: TrainingPosition
    private var optimizer: MomentumSGD
    private let schedule: LearningRateSchedule
    private let training: PackedDataset
    private let loader: BatchLoader
    private var proof: EpochProof
    private let configuration: RunConfiguration
    private let rank: Int
    private let worldSize: Int
    private let stepsPerEpoch: Int
    private let clock = ContinuousClock()
    private var epochTime = Duration.zero
    private var dataWait = Duration.zero
    private var timedSamples = 0

    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup, convolutions: ConvolutionChoices,
        reading: (PackedDataset) -> any ImageSource, _ communicator: any Communicator
    ) throws {
        self.configuration = configuration
        (classifier, memory) = try setup.makeClassifier(
            configuration, convolutions: convolutions, communicator)
        training = setup.training
        validation = setup.validation
        pool = setup.pool
        rank = communicator.rank
        worldSize = communicator.worldSize
        position = setup.resumed?.checkpoint.position ?? TrainingPosition()
        if position.stepInEpoch == 0 { position.epochRecords = RecordTally() }
        proof = EpochProof(recordCount: training.count, place: training.path)
        let batch = configuration.training.batch
        stepsPerEpoch = (training.count + batch - 1) / batch
        schedule = LearningRateSchedule(
            initial: configuration.optimizer.learningRate,
            minimum: configuration.optimizer.minimumLearningRate,
            stepCount: stepsPerEpoch * configuration.training.epochs)
        optimizer = MomentumSGD(
            momentum: Float(configuration.optimizer.momentum),
            weightDecay: Float(configuration.optimizer.weightDecay),
            usesNesterov: configuration.optimizer.nesterov,
            parameterCount: classifier.parameters.parameterCount)
        if let resumed = setup.resumed {
            try optimizer.restore(
                resumed.checkpoint.momentum, of: classifier.parameters, path: resumed.path)
        }
        loader = BatchLoader(
            source: reading(training), sampler: configuration.sampler(count: training.count),
            transform: configuration.trainingTransform, batchSize: batch,
            laneSize: configuration.training.lane, rank: rank, worldSize: worldSize,
            startEpoch: position.epoch, startStep: position.stepInEpoch,
            epochs: configuration.training.epochs, prefetch: setup.prefetch, threads: 1)
    }

    var isDone: Bool { position.epoch >= configuration.training.epochs }
    var isAtEndOfEpoch: Bool { position.stepInEpoch == stepsPerEpoch }

    /// The rank's part of the next batch.
    func nextBatch() throws(DatasetError) -> Batch {
        let start = clock.now
        let batch = try loader.next()
        dataWait += clock.now - start
        guard let batch else {
            throw DatasetError(
                action: "read a batch", place: training.path,
                reason: "it ended before step \(position.step) of \(schedule.stepCount)")
        }
        return batch
    }

    /// Forward, backward, sum over ranks, update.
    func step(_ batch: Batch, _ communicator: any Communicator) throws -> StepReport {
        let start = clock.now
        let pass = Pass(
            BatchPlacement(
                sampleCount: batch.globalSampleCount, laneSize: configuration.training.lane,
                group: configuration.batchNorm.group, rank: rank, worldSize: worldSize),
            mode: .training, pool: pool,
            sumAcrossRanks: { values in try communicator.treeSum(&values) })
        let report = try classifier.differentiate(images: batch.images, labels: batch.labels, pass)
        let samples = batch.globalSampleCount
        proof.note(batch.records)
        loader.recycle(batch)
        try Self.sum(&classifier.parameters.gradients, communicator)
        let (loss, correct) = try Self.sum(report, communicator)
        let rate = schedule.rate(step: position.step)
        optimizer.update(classifier.parameters, learningRate: Float(rate), on: pool)
        position.step += 1
        position.stepInEpoch += 1
        position.epochLoss += loss
        position.epochCorrect += correct
        position.epochSamples += samples
        epochTime += clock.now - start
        timedSamples += samples
        return StepReport(
            step: position.step, epoch: position.epoch + 1, stepInEpoch: position.stepInEpoch,
            loss: loss / Double(samples), accuracy: Double(correct) / Double(samples), learningRate: rate)
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
    func endEpoch(validationAccuracy: Double) -> EpochReport {
        let seconds = (epochTime + dataWait).seconds
        let report = EpochReport(
            epoch: position.epoch + 1, step: position.step,
            loss: position.epochLoss / Double(position.epochSamples),
            accuracy: Double(position.epochCorrect) / Double(position.epochSamples),
            validationAccuracy: validationAccuracy, imagesPerSecond: Double(timedSamples) / seconds,
            seconds: seconds, dataWaitShare: dataWait.seconds / seconds,
            recordCount: position.epochSamples, recordHash: position.epochRecords?.hexadecimal)
        if validationAccuracy >= position.bestAccuracy {
            position.bestAccuracy = validationAccuracy
            position.bestEpoch = position.epoch + 1
        }
        position.epoch += 1
        position.stepInEpoch = 0
        position.epochLoss = 0
        position.epochCorrect = 0
        position.epochSamples = 0
        position.epochRecords = RecordTally()
        epochTime = .zero
        dataWait = .zero
        timedSamples = 0
        return report
    }

    /// Refuses parameters that are NaN or infinite: the next loss would tell, but a checkpoint comes first.
    func checkParameters() throws(TrainingError) {
        let store = classifier.parameters
        for entry in store.entries where entry.role != .batchCount {
            guard store.elements(of: entry).allSatisfy(\.isFinite) else {
                throw .tensorNotFinite(name: entry.name, step: position.step)
            }
        }
    }

    /// A snapshot that a run can go on from.
    func checkpoint(configuration yaml: String) -> Checkpoint {
        Checkpoint(
            classifier, momentum: optimizer.tensors(of: classifier.parameters), position: position,
            configuration: yaml, dataFingerprint: training.fingerprint)
    }

    func plan(_ setup: TrainingSetup, _ communicator: any Communicator, directory: String) -> TrainingPlan {
        TrainingPlan(
            network: classifier.name.rawValue, parameterCount: classifier.parameters.parameterCount,
            worldSize: worldSize, threads: pool.threads, sampleCount: training.count,
            batchSize: configuration.training.batch, epochs: configuration.training.epochs,
            stepsPerEpoch: stepsPerEpoch, firstStep: position.step, resumedFrom: setup.resumed?.path,
            runDirectory: directory, memoryByteCount: memory.rankByteCount)
    }

    private static func sum(_ gradients: inout Buffer<Float>, _ communicator: any Communicator) throws {
        var span = gradients.mutableSpan
        try communicator.treeSum(&span)
    }

    /// The loss and the number of correct predictions, summed over all lanes of the global batch.
    private static func sum(
        _ report: Classifier.LaneReport, _ communicator: any Communicator
    ) throws -> (loss: Double, correct: Int) {
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        let laneCount = report.values.count / 2
        sumLanes(report.values.span, laneCount: laneCount, in: 0..<laneCount, into: &span)
        try communicator.treeSum(&span)
        return (sums[0], Int(sums[1]))
    }
}

extension Duration {
    /// In seconds, never 0.
    var seconds: Double {
        max(Double(components.seconds) + Double(components.attoseconds) * 1e-18, 1e-9)
    }
}
