/// Which batch-norm group each of a rank's samples belongs to.
///
/// A group is `size` consecutive samples of the global batch; the last one of a short batch is
/// shorter.
package struct SampleGroups: Equatable, Sendable {
    /// Samples in a group.
    package let size: Int
    /// Samples in the global batch.
    package let sampleCount: Int
    /// The position of the rank's first sample in the global batch.
    package let firstSample: Int

    /// One group for all samples, as in evaluation.
    package static let one = SampleGroups(size: 1 << 40, sampleCount: 1, firstSample: 0)

    package init(size: Int, sampleCount: Int, firstSample: Int) {
        precondition(size >= 1, "size is \(size), expected 1 or more")
        self.size = size
        self.sampleCount = sampleCount
        self.firstSample = firstSample
    }

    /// The number of groups in the global batch.
    package var count: Int { (sampleCount + size - 1) / size }

    /// The group of the rank's sample `sample`.
    package func group(of sample: Int) -> Int { (firstSample + sample) / size }

    /// Samples in `group`.
    package func sampleCount(in group: Int) -> Int { min(size, sampleCount - group * size) }
}
