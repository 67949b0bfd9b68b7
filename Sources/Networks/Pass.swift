internal import Kernels
public import Workers

/// What a forward or backward pass needs beside its tensors: where the samples are, who does the work, and how
/// sums cross ranks.
public struct Pass: Sendable {
    /// Adds up values over all ranks, in the order of the lane tree; every rank gets the sum.
    public typealias SumAcrossRanks = @Sendable (inout MutableSpan<Double>) throws -> Void

    /// Takes elements of `ParameterStore.gradients` that the backward pass has set for good, each once.
    public typealias GradientsReady = @Sendable (Range<Int>) -> Void

    /// Whether batch statistics are used and remembered, or the running ones.
    public enum Mode: Sendable {
        case training, evaluation
        /// The running statistics, with every layer's results kept: for what looks inside and for gradients of images. Slower than
        /// `evaluation` and larger.
        case inspection
    }

    public let placement: BatchPlacement
    public let mode: Mode
    public let pool: WorkerPool
    let sumAcrossRanks: SumAcrossRanks
    let gradientsReady: GradientsReady

    /// A pass over `placement`'s share of a batch.
    ///
    /// - Parameters:
    ///   - sumAcrossRanks: Left out where one rank holds the whole batch.
    ///   - gradientsReady: Called in the backward pass, the last layers first, in the same order on every rank.
    public init(
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
    var laneSize: Int { placement.laneSize }
}
