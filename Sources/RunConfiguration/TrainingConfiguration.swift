/// The length of a training run, its batches and its checkpoints.
package struct TrainingConfiguration: Codable, Equatable, Sendable {
    /// The reaction to a checkpoint that cannot be written.
    package enum CheckpointFailure: String, Choice {
        /// The run ends after the step in which the failure is known.
        case stop
        /// The run continues and reports the failure; the last good checkpoint is kept. At its end
        /// the run still needs a checkpoint.
        case `continue`
    }

    /// Passes over the training set.
    package var epochs = 100
    /// Samples in a step, over all ranks: a whole number of microbatches.
    package var batch = 128
    /// Samples whose gradients are summed together; the sums of microbatches are added by a fixed
    /// tree.
    package var microbatch = 32
    /// Stages with training images of different sizes, as a list of `{until: EPOCH, size: PIXELS}`;
    /// empty for `data.transform.size` in all epochs.
    package var sizes: [SizeStage] = []
    /// Steps between two checkpoints; 0 for one after each epoch.
    package var checkpointEvery = 0
    /// Minutes after the latest checkpoint until the next one, whatever the step; 0 for no
    /// checkpoints by the clock.
    package var checkpointMinutes = 10.0
    /// The number of latest checkpoints that stay on disk.
    package var keep = 2
    /// One of this many checkpoints stays on disk permanently; 0 for none.
    package var keepEvery = 0
    /// The reaction to a checkpoint that cannot be written.
    package var onCheckpointFailure = CheckpointFailure.stop
    /// The number of steps of this run after which it stops with a checkpoint; 0 for never.
    package var stopAfterSteps = 0

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(
            (1...1_000_000).contains(epochs), "training.epochs", epochs, "a whole number from 1 to 1000000")
        try check(
            (1...65_536).contains(microbatch), "training.microbatch", microbatch,
            "a number of samples from 1 to 65536")
        try check(
            (1...16_777_216).contains(batch) && batch.isMultiple(of: microbatch), "training.batch", batch,
            "a multiple of training.microbatch (\(microbatch)) from \(microbatch) to 16777216")
        try check(
            sizes.isEmpty
                || (sizes.last?.until == epochs
                    && zip(sizes, sizes.dropFirst()).allSatisfy { $0.until < $1.until }
                    && sizes[0].until >= 1 && sizes.allSatisfy { (1...16_384).contains($0.size) }),
            "training.sizes", sizes,
            "a list of {until: epoch, size: pixels} with rising epochs, the last one training.epochs (\(epochs))"
        )
        try check(
            counts.contains(checkpointEvery), "training.checkpointEvery", checkpointEvery,
            "a number of steps below 2^40, or 0 for each epoch")
        try check(
            (0...1_000_000).contains(checkpointMinutes), "training.checkpointMinutes", checkpointMinutes,
            "a number of minutes up to 1000000, or 0 for no checkpoints by the clock")
        try check(keep >= 1, "training.keep", keep, "a whole number from 1")
        try check(
            (0...1_000_000).contains(keepEvery), "training.keepEvery", keepEvery,
            "a number of checkpoints up to 1000000, or 0 for none")
        try check(
            counts.contains(stopAfterSteps), "training.stopAfterSteps", stopAfterSteps,
            "a number of steps below 2^40, or 0 for never")
    }
}

/// How batch normalisation groups a batch.
package struct BatchNormConfiguration: Codable, Equatable, Sendable {
    /// The number of consecutive samples that share batch statistics, a whole number of
    /// microbatches; 0 for the global batch.
    package var group = 0

    package init() {}

    func validate(training: TrainingConfiguration) throws(ConfigurationError) {
        try check(
            group == 0
                || (group > 0 && group <= training.batch && group.isMultiple(of: training.microbatch)),
            "batchNorm.group", group,
            """
            0, or a multiple of training.microbatch (\(training.microbatch)) up to training.batch (\(training.batch))
            """)
    }
}

/// Use of the machine.
package struct ComputeConfiguration: Codable, Equatable, Sendable {
    /// How the algorithm of each convolution is chosen; algorithms differ in speed and in rounding.
    package enum Convolution: String, Choice {
        /// The preferred algorithm for the layer's shape, the same on every machine.
        case shape
        /// The algorithm that rank 0 measures as the fastest when the run starts; the run's
        /// checkpoints store it.
        case autotune
        /// Winograd transforms (F(4×4, 3×3)) if the shape allows them, otherwise as `shape`.
        case winograd
        /// Direct convolution in register tiles.
        case tiled
        /// Direct convolution with the BLAS library's matrix products.
        case library
    }

    /// The precision of products.
    package enum Precision: String, Choice {
        /// Single precision.
        case float32
        /// Products of integers of 13 and 14 bits in convolutions of kernel 1 or stride 2 and in 3×3
        /// convolutions of many channels; all else in single precision.
        case mixed
    }

    /// Worker threads of each rank; 0 to share the node's cores among its ranks.
    package var threads = 0
    /// How the algorithm of each convolution is chosen; changes what the run computes.
    package var convolution = Convolution.shape
    /// The precision of the products in training; changes what the run computes.
    package var precision = Precision.float32
    /// The number of gradient accumulation steps for each rank's part of a batch, a power of two; 0
    /// for as many as its memory requires. The bits are those of a single step without
    /// accumulation.
    package var accumulation = 0

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(
            (0...4096).contains(threads), "compute.threads", threads,
            "a number of threads up to 4096, or 0 to share the cores among the ranks")
        try check(
            (0...1 << 24).contains(accumulation) && accumulation & (accumulation - 1) == 0,
            "compute.accumulation", accumulation,
            "a power of two, or 0 for as many accumulation steps as the memory requires")
        try validatePrecision()
    }

    /// Refuses an algorithm of single precision for mixed precision.
    private func validatePrecision() throws(ConfigurationError) {
        try check(
            precision == .float32 || convolution == .shape, "compute.convolution", convolution.rawValue,
            "shape, as compute.precision is mixed")
    }

    /// Refuses measured algorithms for images of several sizes.
    func validate(sizes: [SizeStage]) throws(ConfigurationError) {
        try check(
            convolution != .autotune || sizes.isEmpty, "compute.convolution", convolution.rawValue,
            "shape, winograd, tiled or library, as training.sizes has stages")
    }
}
