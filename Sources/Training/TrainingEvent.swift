package import Kernels

/// The events that a run sends to its observer; on every rank, in order.
public enum TrainingEvent: Equatable, Sendable {
    /// The run is set up, and its first step follows.
    case started(TrainingPlan)
    /// Something the user should know, in one line.
    case notice(String)
    /// The convolutions were measured and their algorithms chosen; not sent if a checkpoint
    /// contains the choice.
    case convolutions(ConvolutionReport)
    /// A step is done.
    case step(StepReport)
    /// An epoch is done, with its validation.
    case epoch(EpochReport)
    /// A checkpoint is on the disk; sent only on rank 0, some steps after the checkpoint's step.
    case checkpoint(CheckpointReport)
    /// The run stops after update `step` because of `reason`, and resumes when it is started again.
    case stopped(step: Int, reason: String)
    /// The run stops after update `step`, the one that `training.stopAfterSteps` sets.
    case reachedStop(step: Int)
    /// The run was finished before this start, with update `step`: nothing is left to do.
    case alreadyFinished(step: Int, epochs: Int)
}

/// What a run is about to do.
public struct TrainingPlan: Equatable, Sendable {
    /// The network's name.
    public var network: String
    /// Trained parameters of the network.
    public var parameterCount: Int
    /// The number of ranks.
    public var worldSize: Int
    /// Threads of rank 0.
    public var threads: Int
    /// Text: the threads of all ranks, and the reason for their number.
    public var threadChoice: String
    /// Records of the training set.
    public var sampleCount: Int
    /// Samples of a step over all ranks, `training.batch`.
    public var batchSize: Int
    /// Epochs of the whole run.
    public var epochs: Int
    /// Updates in an epoch.
    public var stepsPerEpoch: Int
    /// Updates made before this start; 0 for a new run.
    public var firstStep: Int
    /// The checkpoint that the run resumes from; `nil` for a new run.
    public var resumedFrom: String?
    /// The folder of the run's files.
    public var runDirectory: String
    /// The most bytes of memory that a rank takes.
    public var memoryByteCount: Int
    /// Accumulation steps of each rank in a training step.
    public var accumulationSteps: Int
    /// Whether the network predicts classes, so that there is an accuracy and a best model by it.
    public var hasClassifier: Bool
    /// Whether there is a validation set; without one the best model is the newest epoch's.
    public var hasValidation: Bool
}

/// Rank 0's measurements of the network's convolutions.
public struct ConvolutionReport: Equatable, Codable, Sendable {
    /// Each shape of the network once, in the network's order.
    package var measurements: [ConvolutionMeasurement]
    /// Duration of the measurements, in seconds.
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
    /// Mean loss over the global batch, or the loss over its pairs.
    public var loss: Double
    /// Fraction of correct predictions in the global batch; for mixed samples, of the label with
    /// the larger weight. `nil`, and no key in the log, without a classifier.
    public var accuracy: Double?
    /// The learning rate of this update.
    public var learningRate: Double
}

/// One checkpoint.
public struct CheckpointReport: Equatable, Codable, Sendable {
    /// The file.
    public var path: String
    /// Updates made before it was taken.
    public var step: Int
    /// Whether it is the best model so far, which is then also in `best.h5`; without a validation
    /// accuracy the latest epoch's model is the best.
    public var isBest: Bool
    /// Bytes of the file.
    public var byteCount: Int
    /// Seconds for which it blocked training: comparing replicas, waiting for the previous checkpoint,
    /// copying.
    public var stallSeconds: Double
    /// Seconds of writing, concurrent with training: building the file, writing, syncing, reading it
    /// back.
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
    /// Fraction of correct predictions in training; `nil`, and no key in the log, without a
    /// classifier.
    public var accuracy: Double?
    /// Fraction of correct predictions on the validation set; `nil`, and no key in the log, without
    /// a classifier or a validation set.
    public var validationAccuracy: Double?
    /// Training throughput of all ranks; of this start's part of the epoch, if the epoch was
    /// resumed.
    public var imagesPerSecond: Double
    /// Seconds of training, without validation.
    public var seconds: Double
    /// The time of each `Phase` on rank 0, by its name, as a fraction of `seconds`; `sum`,
    /// `validation`, `checkpoint` and `log` are not part of `seconds`.
    public var shares: [String: Double]
    /// Records that the epoch has used, over all ranks and jobs.
    public var recordCount: Int
    /// The multiset hash of their numbers, verified to be that of every record once; `nil` if an
    /// earlier version began the epoch.
    public var recordHash: String?
}
