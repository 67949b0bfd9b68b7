package import RunConfiguration

extension LearningRateSchedule {
    /// The schedule of a run.
    ///
    /// - Throws: If the warm-up is as long as the run.
    package init(
        _ configuration: RunConfiguration, stepsPerEpoch: Int
    ) throws(ConfigurationError) {
        let optimizer = configuration.optimizer
        let stepCount = stepsPerEpoch * configuration.training.epochs
        guard optimizer.warmUpSteps < stepCount else {
            throw ConfigurationError(
                key: "optimizer.warmUpSteps", found: "\(optimizer.warmUpSteps)",
                expected: "fewer than the \(stepCount) updates of the run")
        }
        let isByEpochs = optimizer.scheduleInterval == .epoch
        self.init(
            Shape(optimizer, stepsPerEpoch: stepsPerEpoch), initial: optimizer.learningRate,
            minimum: optimizer.minimumLearningRate, stepCount: stepCount,
            stepsPerLevel: isByEpochs ? stepsPerEpoch : 1,
            warmUpSteps: optimizer.warmUpSteps + optimizer.warmUpEpochs * stepsPerEpoch,
            warmUpRate: optimizer.warmUpLearningRate)
    }
}

extension LearningRateSchedule.Shape {
    fileprivate init(_ optimizer: OptimizerConfiguration, stepsPerEpoch: Int) {
        self =
            switch optimizer.schedule {
            case .cosine: .cosine
            case .linear: .polynomial(power: 1)
            case .polynomial: .polynomial(power: optimizer.power)
            case .multiStep:
                .multiStep(
                    milestones: optimizer.milestones.map { $0 * stepsPerEpoch }, factor: optimizer.factor)
            case .oneCycle: .oneCycle
            case .constant: .constant
            }
    }
}
