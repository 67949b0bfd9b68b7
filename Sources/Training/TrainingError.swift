internal import Failures

/// Why training cannot continue: NaN or infinite values.
package enum TrainingError: CodedError, Equatable, Sendable {
    /// The loss of a step is NaN or infinite.
    case lossNotFinite(loss: Double, epoch: Int, step: Int, learningRate: Double)
    /// Elements of a parameter's gradient, named as in the state dictionary, are NaN or infinite in a
    /// step whose loss is finite.
    case gradientNotFinite(
        name: String, count: Int, of: Int, epoch: Int, step: Int, learningRate: Double)
    /// A parameter or running statistic, named as in the state dictionary, has become NaN or
    /// infinite; `step` counts all updates.
    case tensorNotFinite(name: String, step: Int)

    package var exitCode: Int32 { ExitCode.numeric }

    package var description: String {
        switch self {
        case .lossNotFinite(let loss, let epoch, let step, let learningRate):
            """
            loss is \(loss.isNaN ? "NaN" : "infinite") at step \(step) of epoch \(epoch) with a learning rate of \
            \(learningRate): lower optimizer.learningRate, or resume from an earlier checkpoint
            """
        case .gradientNotFinite(let name, let count, let elements, let epoch, let step, let learningRate):
            """
            \(count) of \(elements) elements of the gradient of '\(name)' are NaN or infinite at step \(step) of epoch \
            \(epoch) with a learning rate of \(learningRate), so nothing is updated: lower optimizer.learningRate, or \
            resume from an earlier checkpoint
            """
        case .tensorNotFinite(let name, let step):
            """
            tensor '\(name)' is not finite after update \(step), so no checkpoint is written: lower \
            optimizer.learningRate, or resume from an earlier checkpoint
            """
        }
    }
}
