/// Stochastic gradient descent with a cosine schedule, perhaps after a warm-up.
public struct OptimizerConfiguration: Codable, Equatable, Sendable {
    /// How often the learning rate falls along its cosine.
    public enum Schedule: String, Choice {
        /// With each update.
        case step
        /// With each epoch.
        case epoch
    }

    /// The learning rate that the schedule falls from: of the first step, unless there is a warm-up.
    public var learningRate = 0.1
    /// The learning rate that the schedule falls to.
    public var minimumLearningRate = 1e-6
    public var schedule = Schedule.step
    /// Epochs in which the learning rate rises to where the schedule is after them, with each update.
    public var warmUpEpochs = 0
    /// The learning rate that a warm-up begins with.
    public var warmUpLearningRate = 0.001
    /// The share of the last update that the next one keeps, from 0 up to 1.
    public var momentum = 0.9
    /// Whether the gradient is taken as if the momentum had been applied (Nesterov).
    public var nesterov = true
    /// The L2 penalty that is added to the gradient, per unit of each parameter.
    public var weightDecay = 5e-4

    public init() {}

    func validate(training: TrainingConfiguration) throws(ConfigurationError) {
        try check(
            learningRate > 0 && learningRate.isFinite, "optimizer.learningRate", learningRate,
            "a finite number above 0")
        try check(
            minimumLearningRate >= 0 && minimumLearningRate <= learningRate,
            "optimizer.minimumLearningRate", minimumLearningRate,
            "a number from 0 to optimizer.learningRate (\(learningRate))")
        try check(
            warmUpEpochs >= 0 && warmUpEpochs < training.epochs, "optimizer.warmUpEpochs", warmUpEpochs,
            "a number of epochs from 0 up to, but not including, training.epochs (\(training.epochs))")
        try check(
            warmUpLearningRate >= 0 && warmUpLearningRate.isFinite, "optimizer.warmUpLearningRate",
            warmUpLearningRate, "a finite number from 0")
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
