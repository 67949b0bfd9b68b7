public import Kernels

/// What a run tells those who watch it; sent on every rank, in order.
public enum TrainingEvent: Equatable, Sendable {
    case started(TrainingPlan)
    /// Something the user should know, in one line.
    case notice(String)
    /// The convolutions were measured and their paths chosen; not where a checkpoint has kept the choice.
    case convolutions(ConvolutionReport)
    case step(StepReport)
    case epoch(EpochReport)
    /// A checkpoint is on the disk; heard on rank 0 alone, some steps after the one it is of.
    case checkpoint(CheckpointReport)
    /// The run ends after update `step`, as `reason` asked for, and goes on when it is started again.
    case stopped(step: Int, reason: String)
    /// The run ends after update `step`, that of `training.stopAfterSteps`.
    case reachedStop(step: Int)
    /// The run was finished before this start, with update `step`: nothing is left to do.
    case alreadyFinished(step: Int, epochs: Int)
}

/// What a run is about to do.
public struct TrainingPlan: Equatable, Sendable {
    public var network: String
    public var parameterCount: Int
    public var worldSize: Int
    /// Of rank 0.
    public var threads: Int
    /// The threads of all ranks, and why so many, in words.
    public var threadChoice: String
    public var sampleCount: Int
    public var batchSize: Int
    public var epochs: Int
    public var stepsPerEpoch: Int
    /// Updates made before this start; 0 for a new run.
    public var firstStep: Int
    /// The checkpoint that the run goes on from.
    public var resumedFrom: String?
    public var runDirectory: String
    /// Bytes that a rank will take at most.
    public var memoryByteCount: Int
    /// Passes in which each rank goes through its share of a step.
    public var partCount: Int
    /// Whether the network predicts classes, so that there is an accuracy and a best model by it.
    public var hasClassifier: Bool
    /// Whether there is a validation set; without one the best model is the newest epoch's.
    public var hasValidation: Bool
}

/// What rank 0 measured of the network's convolutions.
public struct ConvolutionReport: Equatable, Codable, Sendable {
    /// Each shape of the network once, in its order.
    public var measurements: [ConvolutionMeasurement]
    /// Time it took.
    public var seconds: Double
}

/// One update.
public struct StepReport: Equatable, Codable, Sendable {
    /// Updates made so far, this one included.
    public var step: Int
    /// Counted from 1.
    public var epoch: Int
    /// Counted from 1.
    public var stepInEpoch: Int
    /// Mean of what is minimised over the global batch, or the loss of its pairs.
    public var loss: Double
    /// Share of correct predictions in the global batch; of mixed samples, of the label with the greater share. `nil`, and no key in
    /// the log, without a classifier.
    public var accuracy: Double?
    public var learningRate: Double
}

/// One checkpoint.
public struct CheckpointReport: Equatable, Codable, Sendable {
    public var path: String
    /// Updates made before it was taken.
    public var step: Int
    /// Whether it is the best model so far, which then is in `best.h5`, too; without a validation accuracy the latest epoch's is.
    public var isBest: Bool
    public var byteCount: Int
    /// Time that it held up training: comparing replicas, waiting for the one before, copying.
    public var stallSeconds: Double
    /// Time that writing took beside training: making the file, writing, syncing, reading it again.
    public var writeSeconds: Double
}

/// One epoch.
public struct EpochReport: Equatable, Codable, Sendable {
    /// Counted from 1.
    public var epoch: Int
    /// Updates made so far.
    public var step: Int
    /// Mean over the epoch's samples.
    public var loss: Double
    /// Share of correct predictions while training; `nil`, and no key in the log, without a classifier.
    public var accuracy: Double?
    /// Share of correct predictions on the validation set; likewise, and without a validation set.
    public var validationAccuracy: Double?
    /// Training throughput of all ranks; of what this start did, if the epoch was resumed.
    public var imagesPerSecond: Double
    /// Time to train, validation not included.
    public var seconds: Double
    /// The time of each `Phase` on rank 0, by its name, as a share of `seconds`; `sum`, `validation` and `checkpoint` are beside it.
    public var shares: [String: Double]
    /// Records that the epoch has used, over all ranks and jobs.
    public var recordCount: Int
    /// The order-free hash of their numbers, proven to be that of every record once; `nil` where an earlier version began the epoch.
    public var recordHash: String?
}
