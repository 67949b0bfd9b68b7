internal import Cluster
internal import Kernels
internal import Networks

/// What ranks tell each other at the end of a step, all of it in one message.
struct StepMessage {
    /// Sum of the losses over the global batch.
    let loss: Double
    /// Correct predictions in the global batch.
    let correct: Int
    /// Whether a rank cannot go on.
    let hasFailure: Bool
    /// Whether a rank was asked to stop.
    let hasStopRequest: Bool
    /// Whether a checkpoint is due by a clock, rank 0's.
    let isCheckpointDue: Bool

    /// What a rank says of itself, beside its losses.
    struct Flags {
        /// Whether this rank cannot go on.
        var hasFailed = false
        /// Whether this rank was asked to stop.
        var isAskedToStop = false
        /// Whether a checkpoint is due by this rank's clock; of rank 0 alone.
        var isCheckpointDue = false
    }

    /// Tells the others about this rank and hears about them; collective, at the end of a step.
    init(
        _ report: Classifier.LaneReport, _ flags: Flags, _ communicator: any Communicator
    ) throws {
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        let laneCount = report.values.count / 2
        sumLanes(report.values.span, laneCount: laneCount, in: 0..<laneCount, into: &span)
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
