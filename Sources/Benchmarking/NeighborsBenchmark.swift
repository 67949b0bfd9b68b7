package import Cluster
internal import Detection
internal import Foundation
internal import Numerics
internal import Workers

/// Searches for the nearest neighbours of random queries in a random bank.
package struct NeighborsBenchmark {
    package struct Report: Codable {
        package let bank: Int
        package let queries: Int
        package let dimension: Int
        package let neighbor: Int
        package let ranks: Int
        package let threads: Int
        package let rounds: Int
        /// Median over the rounds of the slowest rank's time.
        package let seconds: Double
        /// 10⁹ operations per second, two per multiply-accumulate of the inner products.
        package let gigaflops: Double
    }

    package let bank: Int
    package let queries: Int
    package let dimension: Int
    package let neighbor: Int
    package let threads: Int
    package let communicator: any Communicator

    package init(
        bank: Int, queries: Int, dimension: Int, neighbor: Int, threads: Int, communicator: any Communicator
    ) {
        self.bank = bank
        self.queries = queries
        self.dimension = dimension
        self.neighbor = neighbor
        self.threads = threads
        self.communicator = communicator
    }

    /// Collective.
    package func run(rounds: Int) throws -> Report {
        let head = ScoringHead(weights: [Float](repeating: 0, count: dimension), bias: [0])
        let score = try NearestNeighbors(
            FitContext(
                head: head, training: share(of: bank, head: head, key: 1), validation: nil,
                communicator: communicator), neighbor: neighbor)
        let samples = share(of: queries, head: head, key: 2)
        let pool = WorkerPool(threads: threads)
        var times: [Double] = []
        for round in 0...rounds {
            try communicator.barrier()
            let start = ContinuousClock.now
            _ = try score.confidences(of: samples, on: communicator, pool: pool)
            let slowest = try communicator.maximum(Int((ContinuousClock.now - start).nanoseconds))
            if round > 0 { times.append(Double(slowest) / 1e9) }
        }
        let seconds = median(of: times)
        return Report(
            bank: bank, queries: queries, dimension: dimension, neighbor: neighbor,
            ranks: communicator.worldSize, threads: threads, rounds: rounds, seconds: seconds,
            gigaflops: 2 * Double(bank) * Double(queries) * Double(dimension) / seconds / 1e9)
    }

    /// This rank's shard of `count` records of uniform numbers from 0 to 1.
    private func share(of count: Int, head: ScoringHead, key: UInt64) -> FeatureShard {
        let tree = ReductionTree(sampleCount: count, microbatchSize: 32)
        let own = tree.samples(
            inMicrobatches: tree.microbatches(ofRank: communicator.rank, worldSize: communicator.worldSize))
        var share = FeatureShard(head: head, microbatchSize: 32)
        var features: [Float] = []
        features.reserveCapacity(own.count * dimension)
        for record in own {
            var numbers = RandomStream(seed: key, purpose: .test, 0, record)
            for _ in 0..<dimension { features.append(numbers.uniform()) }
        }
        share.add(
            features: features, logits: [Float](repeating: 0, count: own.count),
            labels: [Int32](repeating: 0, count: own.count))
        return share
    }
}
