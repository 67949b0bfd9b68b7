package import Checksums

/// The progress of a run: all that training needs beside its tensors to resume as if it had not
/// stopped.
package struct TrainingPosition: Equatable, Codable, Sendable {
    /// Updates made so far; also the index of the next one, counted from 0.
    package var step = 0
    /// Updates made in the current epoch.
    package var stepInEpoch = 0
    /// Completed epochs.
    package var epoch = 0
    /// Sum of the losses over the samples of the epoch so far.
    package var epochLoss = 0.0
    /// Correct predictions in the epoch so far.
    package var epochCorrect = 0
    /// Samples in the epoch so far.
    package var epochSamples = 0
    /// Multiset hash of the records that the epoch has read so far, over all ranks and jobs; `nil`
    /// in the middle of an epoch that an earlier version began.
    package var epochRecords: MultisetHash? = MultisetHash()
    /// The best validation accuracy so far, between 0 and 1; −1 before the first.
    package var bestAccuracy = -1.0
    /// The epoch of that accuracy, counted from 1; 0 before the first.
    package var bestEpoch = 0

    package init() {}

    /// Whether all counts are within the range of a run, so that values from a file can be added
    /// and multiplied without overflow.
    var isPossible: Bool {
        [step, stepInEpoch, epoch, epochCorrect, epochSamples, bestEpoch].allSatisfy {
            (0...1 << 48).contains($0)
        }
    }
}
