/// The length of a training run, its batches and its checkpoints.
public struct TrainingConfiguration: Codable, Equatable, Sendable {
    /// What becomes of a run when a checkpoint cannot be written.
    public enum CheckpointFailure: String, Choice {
        /// It ends after the step in which that is known.
        case stop
        /// It goes on and says so; the last good checkpoint is kept. At its end it needs one all the same.
        case `continue`
    }

    /// Passes over the training set.
    public var epochs = 100
    /// Samples in a step, over all ranks: a whole number of lanes.
    public var batch = 128
    /// Samples whose gradients are summed in one go; lanes are summed by a fixed tree.
    public var lane = 32
    /// Steps between two checkpoints; 0 for one after each epoch.
    public var checkpointEvery = 0
    /// Minutes after the latest checkpoint in which there is another one, whatever the step; 0 for none by the clock.
    public var checkpointMinutes = 10.0
    /// How many of the latest checkpoints stay on disk.
    public var keep = 2
    /// Of how many checkpoints one stays on disk for good; 0 for none.
    public var keepEvery = 0
    /// What becomes of the run when a checkpoint cannot be written.
    public var onCheckpointFailure = CheckpointFailure.stop
    /// Stop, with a checkpoint, after so many steps of this run; 0 for never.
    public var stopAfterSteps = 0

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            (1...1_000_000).contains(epochs), "training.epochs", epochs, "a whole number from 1 to 1000000")
        try check((1...65_536).contains(lane), "training.lane", lane, "a number of samples from 1 to 65536")
        try check(
            (1...16_777_216).contains(batch) && batch.isMultiple(of: lane), "training.batch", batch,
            "a multiple of training.lane (\(lane)) from \(lane) to 16777216")
        try check(
            counts.contains(checkpointEvery), "training.checkpointEvery", checkpointEvery,
            "a number of steps below 2^40, or 0 for each epoch")
        try check(
            (0...1_000_000).contains(checkpointMinutes), "training.checkpointMinutes", checkpointMinutes,
            "a number of minutes up to 1000000, or 0 for none by the clock")
        try check(keep >= 1, "training.keep", keep, "a whole number from 1")
        try check(
            (0...1_000_000).contains(keepEvery), "training.keepEvery", keepEvery,
            "a number of checkpoints up to 1000000, or 0 for none")
        try check(
            counts.contains(stopAfterSteps), "training.stopAfterSteps", stopAfterSteps,
            "a number of steps below 2^40, or 0 for never")
    }
}

/// How batch normalisation sees a batch.
public struct BatchNormConfiguration: Codable, Equatable, Sendable {
    /// Consecutive samples that share their statistics, a whole number of lanes; 0 for the global batch.
    public var group = 0

    public init() {}

    func validate(training: TrainingConfiguration) throws(ConfigurationError) {
        try check(
            group == 0
                || (group > 0 && group <= training.batch && group.isMultiple(of: training.lane)),
            "batchNorm.group", group,
            """
            0, or a multiple of training.lane (\(training.lane)) up to training.batch (\(training.batch))
            """)
    }
}

/// How the machine is used.
public struct ComputeConfiguration: Codable, Equatable, Sendable {
    /// How the path of each convolution is chosen; paths differ in speed and in rounding.
    public enum Convolution: String, Choice {
        /// The path to prefer for the layer's shape, the same on every machine.
        case shape
        /// The path that is fastest when the run starts, as rank 0 measures; its checkpoints keep it.
        case measured
        /// Transforms (F(4×4, 3×3)) where the shape allows it, elsewhere as `shape`.
        case winograd
        /// Direct convolution in register tiles.
        case tiled
        /// Direct convolution with the BLAS library's products.
        case library
    }

    /// Worker threads of each rank; 0 to share the node's cores among its ranks.
    public var threads = 0
    /// How the path of each convolution is chosen; part of the mathematics.
    public var convolution = Convolution.shape
    /// Passes in which each rank goes through its share of a batch, a power of two; 0 for as many as its memory asks for. The bits
    /// are those of one pass.
    public var accumulation = 0

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            (0...4096).contains(threads), "compute.threads", threads,
            "a number of threads up to 4096, or 0 to share the cores among the ranks")
        try check(
            (0...1 << 24).contains(accumulation) && accumulation & (accumulation - 1) == 0,
            "compute.accumulation", accumulation,
            "a power of two, or 0 for as many parts as the memory asks for")
    }
}
