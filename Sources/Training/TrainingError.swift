/// Why training cannot go on.
public enum TrainingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The loss of a step is NaN or infinite.
    case lossNotFinite(loss: Double, epoch: Int, step: Int, learningRate: Double)
    /// The data does not fit the configuration.
    case data(String)

    public var description: String {
        switch self {
        case .lossNotFinite(let loss, let epoch, let step, let learningRate):
            """
            loss is \(loss) at step \(step) of epoch \(epoch) with a learning rate of \(learningRate): lower \
            optimizer.learningRate, or resume from an earlier checkpoint
            """
        case .data(let message): message
        }
    }
}
