import Datasets
import Numerics
import TestSupport
import Testing

/// ImageNet's size: 1,281,167 records of 110 kB in 1,024 shards, read by 64 ranks.
@Suite(.timeLimit(.minutes(30)))
struct SamplerLocalityTests {
    private static let count = 1_281_167
    private static let shards = 1024
    private static let ranks = 64
    /// A shard holds 1,251 or 1,252 records; a block holds as many as the larger shards.
    private static let block = 1252
    private static let batch = 8192

    /// The shard of a record, for records distributed evenly over shards.
    private func shard(of record: Int) -> Int { (record * Self.shards + Self.shards - 1) / Self.count }

    @Test(arguments: [1, 16, 64])
    func aRankReadsInTheWindowOfItsPositionsAlone(blocksInWindow: Int) {
        let sampler = Sampler(
            seed: 7, count: Self.count, blockSize: Self.block, window: blocksInWindow * Self.block)
        let order = sampler.order(epoch: 2)
        let blocks = order.windows.map { positions in
            Set(positions.map { order.record(at: $0) / Self.block })
        }
        #expect(order.windows.first?.lowerBound == 0 && order.windows.last?.upperBound == Self.count)
        #expect(zip(order.windows, order.windows.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        // Windows share no block, so a record is read only while its window is in use.
        #expect(blocks.reduce(0) { $0 + $1.count } == Set(blocks.joined()).count)
        #expect(blocks.allSatisfy { $0.count <= blocksInWindow })
        for start in stride(from: 0, to: Self.count, by: Self.batch) {
            let tree = ReductionTree(sampleCount: min(Self.batch, Self.count - start), microbatchSize: 32)
            for rank in 0..<Self.ranks {
                let samples = tree.samples(
                    inMicrobatches: tree.microbatches(ofRank: rank, worldSize: Self.ranks))
                guard let first = samples.first, let last = samples.last else { continue }
                // One window, or two if the rank's positions cross a window's end.
                let windows = order.windows.indices.filter {
                    order.windows[$0].overlaps(start + first..<start + last + 1)
                }
                #expect(windows.count <= 2)
                let allowed = windows.map { blocks[$0] }
                var shards: Set<Int> = []
                for sample in samples {
                    let record = order.record(at: start + sample)
                    let isInside = allowed.contains { $0.contains(record / Self.block) }
                    if !isInside { Issue.record("rank \(rank) reads record \(record) outside its window") }
                    shards.insert(shard(of: record))
                }
                // A block may cross the end of a shard.
                #expect(shards.count <= 2 * blocksInWindow * windows.count)
            }
        }
    }

    @Test func aWindowIsReadOnceFromEndToEnd() {
        let sampler = Sampler(
            seed: 7, count: Self.count, blockSize: Self.block, window: 16 * Self.block)
        let order = sampler.order(epoch: 0)
        // 2.2 GB at 110 kB per record: the page cache that a host needs to read each byte from disk
        // only once.
        #expect(sampler.window * 110_000 < 2_300_000_000)
        var seen = [Bool](repeating: false, count: Self.count)
        for position in 0..<Self.count {
            let record = order.record(at: position)
            #expect(!seen[record])
            seen[record] = true
        }
        #expect(!seen.contains(false))
    }

    /// Measured: 0.025 to 0.055 s.
    @Test(arguments: [nil, 16 * block])
    func theOrderOfAnEpochTakesLessThanASecondOfACore(window: Int?) {
        let sampler = Sampler(seed: 7, count: Self.count, blockSize: Self.block, window: window)
        #expect(threadTime { _ = sampler.order(epoch: 0) } < .seconds(1))
    }

    /// Chi-square test on a table of 64 parts of positions by 64 parts of records.
    @Test(arguments: [0, 1, 2])
    func aFullWindowIsAUniformShuffle(epoch: Int) {
        let parts = 64
        let order = Sampler(seed: 7, count: Self.count, blockSize: Self.block).order(epoch: epoch)
        var table = [Int](repeating: 0, count: parts * parts)
        for position in 0..<Self.count {
            table[position * parts / Self.count * parts + order.record(at: position) * parts / Self.count] +=
                1
        }
        let expected = Double(Self.count) / Double(parts * parts)
        let chiSquare = table.reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        // 63 · 63 degrees of freedom, as row and column sums are fixed; tolerance of four standard
        // deviations of √(2 · 3969).
        #expect(abs(chiSquare - 3969) < 4 * 89.1)
    }

    @Test func aSmallWindowIsNoUniformShuffle() {
        let parts = 64
        let order = Sampler(seed: 7, count: Self.count, blockSize: Self.block, window: Self.block)
            .order(epoch: 0)
        var neighbours = 0
        for position in 1..<Self.count
        where order.record(at: position) * parts / Self.count == order.record(at: position - 1) * parts
            / Self.count
        {
            neighbours += 1
        }
        // A uniform shuffle has one in 64.
        #expect(Double(neighbours) / Double(Self.count) > 0.9)
    }
}
