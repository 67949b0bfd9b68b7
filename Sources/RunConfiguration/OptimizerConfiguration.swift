/// Stochastic gradient descent with a cosine schedule, optionally after a warm-up.
package struct OptimizerConfiguration: Codable, Equatable, Sendable {
    /// The shape of the learning rate over the run.
    package enum Schedule: String, Choice {
        /// Half a cosine from `learningRate` to `minimumLearningRate`.
        case cosine
    }

    /// How often the learning rate changes along its schedule.
    package enum ScheduleInterval: String, Choice {
        /// It changes with each update.
        case step
        /// It changes with each epoch.
        case epoch
    }

    /// The initial learning rate of the schedule, which is that of the first step unless there is a
    /// warm-up.
    package var learningRate = 0.1
    /// The final learning rate of the schedule.
    package var minimumLearningRate = 1e-6
    /// The shape of the learning rate over the run.
    package var schedule = Schedule.cosine
    /// How often the learning rate changes along its schedule.
    package var scheduleInterval = ScheduleInterval.step
    /// Epochs of the warm-up, in which the learning rate rises with each update to the schedule's
    /// value at their end.
    package var warmUpEpochs = 0
    /// The learning rate at the start of the warm-up.
    package var warmUpLearningRate = 0.001
    /// The fraction of the last update that the next one keeps, from 0 up to, but not including, 1.
    package var momentum = 0.9
    /// Whether the momentum is Nesterov's: the gradient is evaluated as if the momentum had been
    /// applied.
    package var nesterov = true
    /// The factor of the L2 penalty: this factor times each parameter is added to its gradient.
    package var weightDecay = 5e-4

    package init() {}

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
            "false, as optimizer.momentum is 0")
        try check(
            weightDecay >= 0 && weightDecay.isFinite, "optimizer.weightDecay", weightDecay,
            "a finite number from 0")
    }
}
