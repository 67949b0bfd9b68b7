package import Kernels

/// The events that a run sends to its observer; on every rank, in order.
package enum TrainingEvent: Equatable, Sendable {
    case started(TrainingPlan)
    /// Something the user should know, in one line.
    case notice(String)
    /// The convolutions were measured and their algorithms chosen; not sent if a checkpoint
    /// contains the choice.
    case convolutions(ConvolutionReport)
    case step(StepReport)
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
package struct TrainingPlan: Equatable, Sendable {
    package var network: String
    package var parameterCount: Int
    package var worldSize: Int
    /// Threads of rank 0.
    package var threads: Int
    /// Text: the threads of all ranks, and the reason for their number.
    package var threadChoice: String
    package var sampleCount: Int
    package var batchSize: Int
    package var epochs: Int
    package var stepsPerEpoch: Int
    /// Updates made before this start; 0 for a new run.
    package var firstStep: Int
    /// The checkpoint that the run resumes from.
    package var resumedFrom: String?
    package var runDirectory: String
    /// The most bytes of memory that a rank takes.
    package var memoryByteCount: Int
    /// Accumulation steps of each rank in a training step.
    package var accumulationSteps: Int
    /// Whether the network predicts classes, so that there is an accuracy and a best model by it.
    package var hasClassifier: Bool
    /// Whether there is a validation set; without one the best model is the newest epoch's.
    package var hasValidation: Bool
}

/// Rank 0's measurements of the network's convolutions.
package struct ConvolutionReport: Equatable, Codable, Sendable {
    /// Each shape of the network once, in the network's order.
    package var measurements: [ConvolutionMeasurement]
    /// Duration of the measurements.
    package var seconds: Double
}

/// One update.
package struct StepReport: Equatable, Codable, Sendable {
    /// Updates made so far, this one included.
    package var step: Int
    /// Counted from 1.
    package var epoch: Int
    /// Counted from 1.
    package var stepInEpoch: Int
    /// Mean loss over the global batch, or the loss over its pairs.
    package var loss: Double
    /// Fraction of correct predictions in the global batch; for mixed samples, of the label with
    /// the larger weight. `nil`, and no key in the log, without a classifier.
    package var accuracy: Double?
    package var learningRate: Double
}

/// One checkpoint.
package struct CheckpointReport: Equatable, Codable, Sendable {
    package var path: String
    /// Updates made before it was taken.
    package var step: Int
    /// Whether it is the best model so far, which is then also in `best.h5`; without a validation
    /// accuracy the latest epoch's model is the best.
    package var isBest: Bool
    package var byteCount: Int
    /// Time for which it blocked training: comparing replicas, waiting for the previous checkpoint,
    /// copying.
    package var stallSeconds: Double
    /// Time of writing, concurrent with training: building the file, writing, syncing, reading it
    /// back.
    package var writeSeconds: Double
}

/// One epoch.
package struct EpochReport: Equatable, Codable, Sendable {
    /// Counted from 1.
    package var epoch: Int
    /// Updates made so far.
    package var step: Int
    /// Mean over the epoch's samples.
    package var loss: Double
    /// Fraction of correct predictions in training; `nil`, and no key in the log, without a
    /// classifier.
    package var accuracy: Double?
    /// Fraction of correct predictions on the validation set; `nil`, and no key in the log, without
    /// a classifier or a validation set.
    package var validationAccuracy: Double?
    /// Training throughput of all ranks; of this start's part of the epoch, if the epoch was
    /// resumed.
    package var imagesPerSecond: Double
    /// Training time, without validation.
    package var seconds: Double
    /// The time of each `Phase` on rank 0, by its name, as a fraction of `seconds`; `sum`,
    /// `validation`, `checkpoint` and `log` are not part of `seconds`.
    package var shares: [String: Double]
    /// Records that the epoch has used, over all ranks and jobs.
    package var recordCount: Int
    /// The multiset hash of their numbers, verified to be that of every record once; `nil` if an
    /// earlier version began the epoch.
    package var recordHash: String?
}
