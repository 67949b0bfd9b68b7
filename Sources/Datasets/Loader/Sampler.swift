internal import Numerics

/// The order in which the records of a set are used: a pure function of seed, epoch and count.
///
/// With a window as large as the set, which is the default, every epoch is a uniform permutation.
/// With a smaller window the order is *local*: blocks of consecutive records are permuted, and
/// records are permuted within windows of several blocks. While a window is used, nothing outside
/// its blocks is read.
package struct Sampler: Equatable, Sendable {
    /// Seed of the permutations; the augmentation of a run uses the same seed.
    package let seed: UInt64
    /// Number of records in the set.
    package let count: Int
    /// Number of consecutive records that stay in one window.
    package let blockSize: Int
    /// Number of records that are permuted among each other: a multiple of `blockSize`, or `count`.
    package let window: Int
    /// Whether records are permuted at all.
    package let isShuffled: Bool

    /// - Parameters:
    ///   - blockSize: Number of consecutive records that are read together, such as those of a
    ///     shard; 1 or more.
    ///   - window: Number of records to permute among each other, rounded up to whole blocks; all
    ///     records by default.
    ///   - isShuffled: `false` for the stored order in every epoch.
    package init(
        seed: UInt64, count: Int, blockSize: Int = 1, window: Int? = nil, isShuffled: Bool = true
    ) {
        precondition(
            count >= 0 && count <= UInt32.max && blockSize >= 1, "\(count) records in blocks of \(blockSize)")
        let window = window ?? count
        precondition(window >= min(count, 1), "a window of \(window) records")
        self.seed = seed
        self.count = count
        self.blockSize = blockSize
        self.isShuffled = isShuffled
        let whole = (window + blockSize - 1) / blockSize * blockSize
        self.window = min(whole, count)
    }

    /// The order of `epoch`, counted from 0.
    package func order(epoch: Int) -> SampleOrder {
        guard isShuffled else { return storedOrder(epoch: epoch) }
        guard window < count else {
            var records = (0..<UInt32(count)).map { $0 }
            var stream = RandomStream(seed: seed, purpose: .order, epoch, 0)
            records.permute(0..<count, with: &stream)
            return SampleOrder(epoch: epoch, records: records, windows: [0..<count])
        }
        var blocks = (0..<UInt32((count + blockSize - 1) / blockSize)).map { $0 }
        var stream = RandomStream(seed: seed, purpose: .order, epoch, 0)
        blocks.permute(blocks.indices, with: &stream)

        var records: [UInt32] = []
        records.reserveCapacity(count)
        var windows: [Range<Int>] = []
        let blocksInWindow = window / blockSize
        for (number, first) in stride(from: 0, to: blocks.count, by: blocksInWindow).enumerated() {
            let start = records.count
            for block in blocks[first..<min(first + blocksInWindow, blocks.count)] {
                let low = Int(block) * blockSize
                for record in low..<min(low + blockSize, count) { records.append(UInt32(record)) }
            }
            var stream = RandomStream(seed: seed, purpose: .order, epoch, 1 + number)
            records.permute(start..<records.count, with: &stream)
            windows.append(start..<records.count)
        }
        return SampleOrder(epoch: epoch, records: records, windows: windows)
    }

    private func storedOrder(epoch: Int) -> SampleOrder {
        SampleOrder(epoch: epoch, records: (0..<UInt32(count)).map { $0 }, windows: [0..<count])
    }
}

/// The order of one epoch.
package struct SampleOrder: Equatable, Sendable {
    /// The epoch, counted from 0.
    package let epoch: Int
    /// The range of positions of each window, in order.
    ///
    /// Each window has `Sampler.window` positions, except the last window and the window with the
    /// set's last block, which may be short.
    package let windows: [Range<Int>]
    private let records: [UInt32]

    init(epoch: Int, records: [UInt32], windows: [Range<Int>]) {
        self.epoch = epoch
        self.records = records
        self.windows = windows
    }

    /// The number of positions, equal to the number of records.
    package var count: Int { records.count }

    /// The record that is used at `position` of the epoch.
    package func record(at position: Int) -> Int { Int(records[position]) }
}

extension [UInt32] {
    /// Permutes the elements in `range` uniformly: all permutations are equally likely.
    ///
    /// Durstenfeld: "Algorithm 235: Random permutation", Communications of the ACM 7 (1964), after
    /// Fisher and Yates.
    fileprivate mutating func permute(_ range: Range<Int>, with stream: inout RandomStream) {
        for last in range.dropFirst().reversed() {
            swapAt(last, range.lowerBound + stream.integer(below: last - range.lowerBound + 1))
        }
    }
}
