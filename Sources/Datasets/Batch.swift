public import Kernels

/// One rank's part of a global batch, ready for a network.
///
/// `@unchecked Sendable`: a batch has one owner at a time, the loader until `next()` returns it and after
/// `recycle(_:)`, the caller in between.
public final class Batch: @unchecked Sendable {
    /// Shape `[N · views, size, size, 3]`, normalised; exactly as many elements. In the order of `SampleViews`.
    public var images: Buffer<Float> = Buffer(zeros: 0)
    /// Shape `[N · views]`: the classes, −1 for none.
    public internal(set) var labels: [Int32] = []
    /// Shape `[N]`: the numbers of the records, as the source says it has read them.
    public internal(set) var records: [Int] = []
    /// The epoch, counted from 0.
    public internal(set) var epoch = 0
    /// The step in its epoch, counted from 0.
    public internal(set) var step = 0
    /// Where the samples stand in the global batch.
    public internal(set) var samples = 0..<0
    /// Samples in the global batch, over all ranks.
    public internal(set) var globalSampleCount = 0

    init() {}

    /// Records of this rank; 0 where a short batch has fewer lanes than there are ranks.
    public var count: Int { records.count }
}

/// What a batch is to hold.
struct BatchRequest: Equatable, Sendable {
    var epoch: Int
    var step: Int
    var samples: Range<Int>
    var globalSampleCount: Int
    var records: [Int]
}
