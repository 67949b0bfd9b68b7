package import Memory

/// One rank's part of a global batch, ready for a network.
///
/// `@unchecked Sendable`: a batch has one owner at a time, the loader until `next()` returns it and
/// after `recycle(_:)`, the caller in between.
package final class Batch: @unchecked Sendable {
    /// Normalised pixels, shape `[N · views, size, size, 3]`, with exactly that many elements, in
    /// the order of `SampleViews`.
    package var images: Buffer<Float> = Buffer(zeros: 0)
    /// Class labels, shape `[N · views]`; −1 for no class.
    package internal(set) var labels: [Int32] = []
    /// Record numbers that the source reports as read, shape `[N]`.
    package internal(set) var records: [Int] = []
    /// The epoch, counted from 0.
    package internal(set) var epoch = 0
    /// The step in its epoch, counted from 0.
    package internal(set) var step = 0
    /// Positions of the samples in the global batch.
    package internal(set) var samples = 0..<0
    /// Samples in the global batch, over all ranks.
    package internal(set) var globalSampleCount = 0

    init() {}

    /// Number of records of this rank; 0 if a short batch has fewer microbatches than there are
    /// ranks and this rank gets none.
    package var count: Int { records.count }
}

/// The contents that a batch has to be filled with.
package struct BatchRequest: Equatable, Sendable {
    var epoch: Int
    var step: Int
    var samples: Range<Int>
    var globalSampleCount: Int
    var records: [Int]
}
