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

    /// Tells the others about this rank and hears about them; collective, at the end of a step.
    init(
        _ report: Classifier.LaneReport, hasFailed: Bool, isAskedToStop: Bool,
        _ communicator: any Communicator
    ) throws {
        var sums = [0.0, 0.0]
        var span = sums.mutableSpan
        let laneCount = report.values.count / 2
        sumLanes(report.values.span, laneCount: laneCount, in: 0..<laneCount, into: &span)
        var message = sums + [hasFailed ? 1 : 0, isAskedToStop ? 1 : 0]
        var whole = message.mutableSpan
        try communicator.treeSum(&whole)
        loss = message[0]
        correct = Int(message[1])
        hasFailure = message[2] > 0
        hasStopRequest = message[3] > 0
    }
}
