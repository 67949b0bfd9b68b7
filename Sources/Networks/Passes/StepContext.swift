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

    package let placement: BatchPlacement
    package let mode: Mode
    package let pool: WorkerPool
    let sumAcrossRanks: SumAcrossRanks
    let gradientsReady: GradientsReady

    /// A pass over the samples of `placement`.
    ///
    /// - Parameters:
    ///   - sumAcrossRanks: Not needed if one rank holds the whole batch.
    ///   - gradientsReady: Called in the backward pass, the last layers first, in the same order on
    ///     every rank.
    package init(
        _ placement: BatchPlacement, mode: Mode, pool: WorkerPool,
        sumAcrossRanks: @escaping SumAcrossRanks = { _ in },
        gradientsReady: @escaping GradientsReady = { _ in }
    ) {
        self.placement = placement
        self.mode = mode
        self.pool = pool
        self.sumAcrossRanks = sumAcrossRanks
        self.gradientsReady = gradientsReady
    }

    var sampleCount: Int { placement.sampleCount }
    var microbatchSize: Int { placement.microbatchSize }
}
