/// The optimiser, its learning rate over the run, and the average of the weights.
package struct OptimizerConfiguration: Codable, Equatable, Sendable {
    /// The rule that updates parameters.
    package enum Name: String, Choice {
        /// Stochastic gradient descent with momentum.
        case sgd
        /// SGD with momentum, whose rate for each tensor is in proportion to its norm.
        case lars
        /// Adam with decoupled weight decay.
        case adamw
    }

    /// Kinds of parameters.
    package enum Group: String, Choice {
        /// The groups that are usual for the optimiser.
        case automatic
        /// The weights of convolutions and linear layers.
        case weight
        /// Scales and shifts of batch normalisation.
        case norm
        /// The biases of linear layers.
        case bias
    }

    /// The rule that updates parameters.
    package var name = Name.sgd
    /// The learning rate from which the schedule falls, which is that of the first step unless there
    /// is a warm-up.
    package var learningRate = 0.1
    /// The final learning rate of the schedule; without effect on multiStep and constant.
    package var minimumLearningRate = 1e-6
    /// The shape of the learning rate over the run.
    package var schedule = Schedule.cosine
    /// How often the learning rate changes along its schedule.
    package var scheduleInterval = ScheduleInterval.step
    /// The numbers of epochs after which multiStep lowers the learning rate, in rising order.
    package var milestones: [Int] = []
    /// The factor by which multiStep lowers the learning rate, between 0 and 1.
    package var factor = 0.1
    /// The exponent of polynomial: 1 falls like linear, 2 more slowly towards the end.
    package var power = 2.0
    /// Epochs of the warm-up, in which the learning rate rises with each update to the schedule's
    /// value at their end.
    package var warmUpEpochs = 0
    /// Updates of the warm-up, in place of epochs; 0 for `warmUpEpochs`.
    package var warmUpSteps = 0
    /// The learning rate at the start of the warm-up.
    package var warmUpLearningRate = 0.001
    /// The fraction of the last update that the next one keeps, from 0 up to, but not including, 1;
    /// without effect on adamw.
    package var momentum = 0.9
    /// Whether the momentum of sgd is Nesterov's: the gradient is evaluated as if the momentum had
    /// been applied.
    package var nesterov = true
    /// The fractions of the earlier means of gradients and of their squares that adamw keeps.
    package var betas = [0.9, 0.999]
    /// The number that adamw adds to the root of the mean square.
    package var epsilon = 1e-8
    /// The factor of the L2 penalty: this factor times each parameter is added to its gradient. With
    /// adamw it times the learning rate is the fraction that each update takes from a parameter.
    package var weightDecay = 5e-4
    /// The kinds of parameters without weight decay; `[automatic]` for those that are usual for the
    /// optimiser: none for sgd and adamw, norm for lars.
    package var noDecay = [Group.automatic]
    /// The trust ratio of lars for a tensor whose gradient is as long as the tensor itself.
    package var trustCoefficient = 0.001
    /// The kinds of parameters whose trust ratio with lars is 1; `[automatic]` for norm and bias.
    package var noTrustRatio = [Group.automatic]
    package var ema = EMAConfiguration()

    package init() {}
}

extension OptimizerConfiguration {
    func validate(training: TrainingConfiguration) throws(ConfigurationError) {
        try validateSchedule(training)
        try check(
            momentum >= 0 && momentum < 1, "optimizer.momentum", momentum,
            "a number from 0 up to, but not including, 1")
        try check(
            !nesterov || momentum > 0, "optimizer.nesterov", nesterov,
            "false, as optimizer.momentum is 0")
        try check(
            betas.count == 2 && betas.allSatisfy { $0 >= 0 && $0 < 1 }, "optimizer.betas", betas,
            "two numbers from 0 up to, but not including, 1")
        try check(
            epsilon > 0 && epsilon.isFinite, "optimizer.epsilon", epsilon, "a finite number above 0")
        try check(
            weightDecay >= 0 && weightDecay.isFinite, "optimizer.weightDecay", weightDecay,
            "a finite number from 0")
        try validate(noDecay, "optimizer.noDecay")
        try check(
            trustCoefficient > 0 && trustCoefficient.isFinite, "optimizer.trustCoefficient", trustCoefficient,
            "a finite number above 0")
        try validate(noTrustRatio, "optimizer.noTrustRatio")
        try ema.validate()
    }

    private func validate(_ groups: [Group], _ key: String) throws(ConfigurationError) {
        try check(
            Set(groups).count == groups.count && (groups == [.automatic] || !groups.contains(.automatic)),
            key, "[\(groups.map(\.rawValue).joined(separator: ", "))]",
            "[automatic], or a list of different groups of weight, norm, bias")
    }
}
