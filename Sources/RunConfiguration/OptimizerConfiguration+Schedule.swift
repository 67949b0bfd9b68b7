extension OptimizerConfiguration {
    /// The shape of the learning rate over the run.
    package enum Schedule: String, Choice {
        /// Half a cosine over the whole run from `learningRate` to `minimumLearningRate`.
        case cosine
        /// A line from the end of the warm-up to `minimumLearningRate`.
        case linear
        /// A power of the remaining share of the updates after the warm-up.
        case polynomial
        /// A fraction at each of some milestones.
        case multiStep
        /// Half a cosine up during the warm-up, half a cosine down after it.
        case oneCycle
        /// The same rate after the warm-up.
        case constant
    }

    /// How often the learning rate changes along its schedule.
    package enum ScheduleInterval: String, Choice {
        /// It changes with each update.
        case step
        /// It changes with each epoch.
        case epoch
    }
}

// MARK: - Checks

extension OptimizerConfiguration {
    func validateSchedule(_ training: TrainingConfiguration) throws(ConfigurationError) {
        try check(
            learningRate > 0 && learningRate.isFinite, "optimizer.learningRate", learningRate,
            "a finite number above 0")
        try check(
            minimumLearningRate >= 0 && minimumLearningRate <= learningRate,
            "optimizer.minimumLearningRate", minimumLearningRate,
            "a number from 0 to optimizer.learningRate (\(learningRate))")
        try check(
            schedule != .oneCycle || warmUpEpochs > 0 || warmUpSteps > 0, "optimizer.schedule",
            schedule.rawValue,
            "another shape, or optimizer.warmUpEpochs or optimizer.warmUpSteps above 0, which oneCycle rises in"
        )
        try check(
            milestones.allSatisfy { (1...1_000_000).contains($0) }
                && zip(milestones, milestones.dropFirst()).allSatisfy(<)
                && (schedule != .multiStep || !milestones.isEmpty),
            "optimizer.milestones", milestones, "numbers of epochs from 1 to 1000000 in rising order")
        try check(
            factor > 0 && factor < 1, "optimizer.factor", factor, "a number above 0 and below 1")
        try check(power > 0 && power.isFinite, "optimizer.power", power, "a finite number above 0")
        try check(
            warmUpEpochs >= 0 && warmUpEpochs < training.epochs, "optimizer.warmUpEpochs", warmUpEpochs,
            "a number of epochs from 0 up to, but not including, training.epochs (\(training.epochs))")
        try check(
            counts.contains(warmUpSteps) && (warmUpSteps == 0 || warmUpEpochs == 0),
            "optimizer.warmUpSteps", warmUpSteps,
            warmUpEpochs == 0
                ? "a number of steps below 2^40, or 0 for optimizer.warmUpEpochs"
                : "0, as optimizer.warmUpEpochs is \(warmUpEpochs)")
        try check(
            warmUpLearningRate >= 0 && warmUpLearningRate.isFinite, "optimizer.warmUpLearningRate",
            warmUpLearningRate, "a finite number from 0")
    }
}
