import Cluster
import Detection
import Foundation
import Numerics
import TestSupport
import Testing

/// Features without a pattern and of very different magnitudes, so that another summation order
/// gives other bits.
private func feature(_ index: Int) -> Float {
    Float((index * 7919 + 13) % 1021 - 510) * exp2(Float((index * 31) % 61 - 30))
}

@Suite(.timeLimit(.minutes(30))) struct MicrobatchFeatureSumsTests {
    @Test(arguments: [1, 31, 1009, 10007])
    func oneTwoAndFourRanksGiveTheSameBits(samples: Int) throws {
        let one = try means(samples: samples, ranks: 1)
        #expect(try means(samples: samples, ranks: 2) == one + one)
        #expect(try means(samples: samples, ranks: 4) == one + one + one + one)
    }

    @Test func matchesTheMean() throws {
        let mean = try means(samples: 1009, ranks: 1)
        for j in 0..<3 {
            let sum = (0..<1009).map { Double(feature(3 * $0 + j)) }.reduce(0, +)
            let size = (0..<1009).map { abs(Double(feature(3 * $0 + j))) }.reduce(0, +)
            #expect(abs(Double(mean[j]) * 1009 - sum) <= 1e-7 * abs(sum) + 1e-12 * size)
        }
    }

    /// The means on all ranks, rank 0 first.
    private func means(samples: Int, ranks: Int) throws -> [Float] {
        try ThreadedWorld.run(size: ranks) { rank, world in
            let tree = ReductionTree(sampleCount: samples, microbatchSize: 8)
            let own = tree.samples(inMicrobatches: tree.microbatches(ofRank: rank, worldSize: ranks))
            var sums = MicrobatchFeatureSums(dimension: 3, microbatchSize: 8)
            // Batches of 13 records, which do not end at microbatch boundaries.
            for start in stride(from: own.lowerBound, to: own.upperBound, by: 13) {
                let values = (3 * start..<3 * min(start + 13, own.upperBound)).map(feature)
                sums.add(values.span)
            }
            return try sums.mean(on: ThreadedCommunicator(rank: rank, of: world))
        }.flatMap(\.self)
    }
}
