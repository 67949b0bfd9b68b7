/// Stochastic gradient descent with a cosine schedule.
public struct OptimizerConfiguration: Codable, Equatable, Sendable {
    /// The learning rate of the first step.
    public var learningRate = 0.1
    /// The learning rate that the schedule falls to.
    public var minimumLearningRate = 1e-6
    /// The share of the last update that the next one keeps, from 0 up to 1.
    public var momentum = 0.9
    /// Whether the gradient is taken as if the momentum had been applied (Nesterov).
    public var nesterov = true
    /// The L2 penalty that is added to the gradient, per unit of each parameter.
    public var weightDecay = 5e-4

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            learningRate > 0 && learningRate.isFinite, "optimizer.learningRate", learningRate,
            "a finite number above 0")
        try check(
            minimumLearningRate >= 0 && minimumLearningRate <= learningRate,
            "optimizer.minimumLearningRate", minimumLearningRate,
            "a number from 0 to optimizer.learningRate (\(learningRate))")
        try check(
            momentum >= 0 && momentum < 1, "optimizer.momentum", momentum,
            "a number from 0 up to, but not including, 1")
        try check(
            !nesterov || momentum > 0, "optimizer.nesterov", nesterov,
            "false where optimizer.momentum is 0")
        try check(
            weightDecay >= 0 && weightDecay.isFinite, "optimizer.weightDecay", weightDecay,
            "a finite number from 0")
    }
}
