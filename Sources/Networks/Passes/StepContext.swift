package import Workers

/// Context of a forward or backward pass: the placement of the samples, the worker pool, and the
/// all-reduce across ranks.
package struct StepContext: Sendable {
    /// All-reduces values by addition, in the order of the reduction tree.
    package typealias SumAcrossRanks = @Sendable (inout MutableSpan<Double>) throws -> Void

    /// Receives ranges of `ParameterStore.gradients` that are final after the backward pass, each
    /// element once.
    package typealias GradientsReady = @Sendable (Range<Int>) -> Void

    /// Which batch-norm statistics a pass uses, and which results it keeps.
    package enum Mode: Sendable {
        case training, evaluation
        /// Running statistics, with every layer's output kept, for captured activations and for
        /// gradients of images. Slower than `evaluation`, and needs more memory.
        case inspection
    }

    /// Where the random numbers of a training pass come from.
    package struct Numbers: Equatable, Sendable {
        /// The run's seed.
        let seed: UInt64
        /// Updates made before the pass.
        let step: Int

        package init(seed: UInt64, step: Int) {
            self.seed = seed
            self.step = step
        }
    }

    package let placement: BatchPlacement
    package let mode: Mode
    package let pool: WorkerPool
    let numbers: Numbers
    let sumAcrossRanks: SumAcrossRanks
    let gradientsReady: GradientsReady

    /// A pass over the samples of `placement`.
    ///
    /// - Parameters:
    ///   - numbers: For networks with dropout; the default is for measurements.
    ///   - sumAcrossRanks: Not needed if one rank holds the whole batch.
    ///   - gradientsReady: Called in the backward pass, the last layers first, in the same order on
    ///     every rank.
    package init(
        _ placement: BatchPlacement, mode: Mode, pool: WorkerPool,
        numbers: Numbers = Numbers(seed: 0, step: 0),
        sumAcrossRanks: @escaping SumAcrossRanks = { _ in },
        gradientsReady: @escaping GradientsReady = { _ in }
    ) {
        self.placement = placement
        self.mode = mode
        self.pool = pool
        self.numbers = numbers
        self.sumAcrossRanks = sumAcrossRanks
        self.gradientsReady = gradientsReady
    }

    var sampleCount: Int { placement.sampleCount }
    var microbatchSize: Int { placement.microbatchSize }
}
