internal import Cluster
internal import Kernels
internal import Networks

/// What ranks send each other at the end of a step, in one message.
struct StepMessage {
    /// Sum of the losses over the global batch.
    let loss: Double
    /// Correct predictions in the global batch.
    let correct: Int
    /// Whether a rank has failed.
    let hasFailure: Bool
    /// Whether a rank was asked to stop.
    let hasStopRequest: Bool
    /// Whether a checkpoint is due by rank 0's clock.
    let isCheckpointDue: Bool

    /// The state that a rank sends beside its losses.
    struct Flags {
        /// Whether this rank has failed.
        var hasFailed = false
        /// Whether this rank was asked to stop.
        var isAskedToStop = false
        /// Whether a checkpoint is due by this rank's clock; set only by rank 0.
        var isCheckpointDue = false
    }

    /// Sends the others this rank's state and receives theirs; collective, at the end of a step.
    init(
        _ report: Classifier.MicrobatchReport, _ flags: Flags, _ communicator: any Communicator
    ) throws {
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        let microbatchCount = report.values.count / 2
        sumMicrobatches(
            report.values.span, microbatchCount: microbatchCount, in: 0..<microbatchCount, into: &span)
        var message = sums + [flags.hasFailed, flags.isAskedToStop, flags.isCheckpointDue].map { $0 ? 1 : 0 }
        var whole = message.mutableSpan
        try communicator.treeSum(&whole)
        loss = message[0]
        correct = Int(message[1])
        hasFailure = message[2] > 0
        hasStopRequest = message[3] > 0
        isCheckpointDue = message[4] > 0
    }
}
