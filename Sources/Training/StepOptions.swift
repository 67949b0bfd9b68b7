internal import Datasets
internal import Networks
internal import RunConfiguration

/// The settings of a training step, made once from the run's configuration.
struct StepOptions {
    let seed: UInt64
    let loss: TrainingLoss
    let accumulation: GradientAccumulation
    let schedule: LearningRateSchedule
    /// Samples per image in a step.
    let samplesPerImage: Int
    let optimizer: OptimizerConfiguration
    /// How images are mixed; `nil` if they are not.
    let mixing: Mixing?
    /// Bytes of a bucket of gradients.
    let bucketByteCount: Int
    /// Whether gradients are summed along the reduction tree instead of by the MPI library.
    let usesReductionTree: Bool
    /// Path of the training set, for errors.
    let setPath: String

    /// - Parameter accumulation: The same on all ranks.
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup, _ accumulation: GradientAccumulation
    ) throws(ConfigurationError) {
        self.accumulation = accumulation
        seed = configuration.seed
        loss = configuration.trainingLoss
        schedule = try LearningRateSchedule(configuration, stepsPerEpoch: setup.stepsPerEpoch)
        samplesPerImage = configuration.samplesPerImage
        mixing = configuration.mixing.name == .none ? nil : Mixing(configuration)
        optimizer = configuration.optimizer
        bucketByteCount = configuration.cluster.bucketBytes
        usesReductionTree = configuration.cluster.reduction == .tree
        setPath = setup.training.path
    }
}
