public import Checksums

/// How far a run has come: all that training needs beside its tensors to go on as if it had not stopped.
public struct TrainingPosition: Equatable, Codable, Sendable {
    /// Updates made so far, which is the number of the next one.
    public var step = 0
    /// Updates made in the epoch that `step` lies in.
    public var stepInEpoch = 0
    /// Full epochs made.
    public var epoch = 0
    /// Sum of the losses over the samples of the epoch so far.
    public var epochLoss = 0.0
    /// Correct predictions in the epoch so far.
    public var epochCorrect = 0
    /// Samples in the epoch so far.
    public var epochSamples = 0
    /// What the epoch has read so far, over all ranks and jobs; `nil` in the middle of an epoch that an earlier version began.
    public var epochRecords: RecordTally? = RecordTally()
    /// The best validation accuracy so far, between 0 and 1; −1 before the first.
    public var bestAccuracy = -1.0
    /// The epoch, counted from 1, that gave it; 0 before the first.
    public var bestEpoch = 0

    public init() {}

    /// Whether counts are such as a run can have, so that numbers from a file may be added and multiplied.
    var isPossible: Bool {
        [step, stepInEpoch, epoch, epochCorrect, epochSamples, bestEpoch].allSatisfy {
            (0...1 << 48).contains($0)
        }
    }
}
