internal import Checkpoints
internal import Checksums
internal import Cluster
internal import Datasets
internal import Networks
internal import Numerics
internal import RunConfiguration

/// How far a run has got, and what its epoch has summed up so far.
struct RunState {
    private(set) var position: TrainingPosition
    let stepsPerEpoch: Int
    private let epochs: Int
    private let samplesPerImage: Int
    /// Whether the network predicts classes, so that there is an accuracy.
    private let hasClassifier: Bool
    private var coverage: EpochCoverage
    /// Images of this start's steps in the epoch.
    private var timedImages = 0

    /// The state of the checkpoint that the run resumes from, or of a new run.
    init(_ configuration: RunConfiguration, _ setup: TrainingSetup, _ classifier: Classifier) {
        position = setup.resumed?.checkpoint.position ?? TrainingPosition()
        if position.stepInEpoch == 0 { position.epochRecords = MultisetHash() }
        stepsPerEpoch = setup.stepsPerEpoch
        epochs = configuration.training.epochs
        samplesPerImage = configuration.samplesPerImage
        hasClassifier = classifier.headKind.isClassifier
        coverage = EpochCoverage(recordCount: setup.training.count, place: setup.training.path)
    }

    var isDone: Bool { position.epoch >= epochs }
    var isAtEndOfEpoch: Bool { position.stepInEpoch == stepsPerEpoch }

    /// Adds a step.
    mutating func add(_ step: StepEngine.StepResult) -> StepReport {
        coverage.note(step.records)
        position.step += 1
        position.stepInEpoch += 1
        position.epochLoss += step.message.loss
        position.epochCorrect += step.message.correct
        position.epochSamples += step.imageCount
        timedImages += step.imageCount
        let samples = step.imageCount * samplesPerImage
        return StepReport(
            step: position.step, epoch: position.epoch + 1, stepInEpoch: position.stepInEpoch,
            loss: step.message.loss / Double(samples), accuracy: accuracy(step.message.correct, of: samples),
            learningRate: step.learningRate)
    }

    /// The fraction of correct predictions; `nil` for a network without a classifier.
    private func accuracy(_ correct: Int, of count: Int) -> Double? {
        hasClassifier ? Double(correct) / Double(count) : nil
    }

    /// Sums the epoch's multiset hash over all ranks; collective, before a checkpoint and at the
    /// end of an epoch.
    mutating func gatherRecords(_ communicator: any Communicator) throws {
        try coverage.gather(into: &position.epochRecords, communicator)
    }

    /// Refuses an epoch that has not read every record once.
    func checkRecords() throws(DatasetError) {
        try coverage.check(position.epochRecords, epoch: position.epoch + 1)
    }

    /// Closes the epoch that the last step ended.
    ///
    /// - Parameters:
    ///   - times: The phases of the epoch's steps.
    ///   - validationAccuracy: `nil` without a classifier or a validation set.
    mutating func endEpoch(_ times: PhaseTimes, validationAccuracy: Double?) -> EpochReport {
        let seconds = times.total.seconds
        let samples = position.epochSamples * samplesPerImage
        let report = EpochReport(
            epoch: position.epoch + 1, step: position.step,
            loss: position.epochLoss / Double(samples),
            accuracy: accuracy(position.epochCorrect, of: samples),
            validationAccuracy: validationAccuracy, imagesPerSecond: Double(timedImages) / seconds,
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
        timedImages = 0
        return report
    }

    /// Discards the best accuracy, whose model is lost: the best model is chosen from the next
    /// epoch on. To be called on all ranks.
    mutating func forgetBest() {
        position.bestAccuracy = TrainingPosition().bestAccuracy
        position.bestEpoch = 0
    }
}

extension Duration {
    /// In seconds, never 0.
    var seconds: Double { max(inSeconds, 1e-9) }
}
