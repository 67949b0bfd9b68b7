package import Cluster
internal import Foundation
internal import Numerics
internal import Training

/// Times all-reduce sums of several sizes, by the fixed tree and by the MPI library in turn.
package struct ReductionBenchmark {
    /// The times of sums of one size.
    package struct Row: Codable {
        package let bytes: Int
        /// Pairs of sums, one by the tree and one by the library.
        package let rounds: Int
        /// Median over the rounds of the slowest rank's time; `librarySeconds` likewise.
        package let treeSeconds: Double
        package let librarySeconds: Double
        /// Median ratio of the tree's time to the library's in the same round.
        package let ratio: Double
    }

    package struct Report: Codable {
        package let ranks: Int
        package let hosts: Int
        package let rows: [Row]
        package let tree: LatencyAndBandwidth
        package let library: LatencyAndBandwidth
    }

    package let communicator: any Communicator
    /// Time per size; at least three rounds are run.
    package let secondsPerSize: Double

    package init(communicator: any Communicator, secondsPerSize: Double) {
        self.communicator = communicator
        self.secondsPerSize = secondsPerSize
    }

    /// Collective.
    package func run(sizes: [Int]) throws -> Report {
        let rows = try sizes.map(measure)
        return Report(
            ranks: communicator.worldSize, hosts: Set(try communicator.hostNames()).count, rows: rows,
            tree: LatencyAndBandwidth(rows.map { ($0.bytes, $0.treeSeconds) }),
            library: LatencyAndBandwidth(rows.map { ($0.bytes, $0.librarySeconds) }))
    }

    private func measure(bytes: Int) throws -> Row {
        var values = [Float](repeating: 0, count: max(bytes / MemoryLayout<Float>.size, 1))
        // Not counted: the first sum touches memory and opens connections.
        _ = try time(&values, isTree: true)
        let first = try time(&values, isTree: true) + time(&values, isTree: false)
        let rounds = min(max(Int(secondsPerSize / max(first, 1e-6)), 3), 1000)
        var tree: [Double] = []
        var library: [Double] = []
        for _ in 0..<rounds {
            tree.append(try time(&values, isTree: true))
            library.append(try time(&values, isTree: false))
        }
        return Row(
            bytes: bytes, rounds: rounds, treeSeconds: median(of: tree), librarySeconds: median(of: library),
            ratio: median(of: zip(tree, library).map { $0 / $1 }))
    }

    /// Seconds of one sum on the slowest rank, the same on all ranks.
    private func time(_ values: inout [Float], isTree: Bool) throws -> Double {
        var span = values.mutableSpan
        try communicator.barrier()
        let start = ContinuousClock.now
        if isTree { try communicator.treeSum(&span) } else { try communicator.librarySum(&span) }
        return Double(try communicator.maximum(Int((ContinuousClock.now - start).nanoseconds))) / 1e9
    }
}

/// The model t = α + β·bytes of a sum's time.
package struct LatencyAndBandwidth: Codable {
    /// α in seconds: the time of an empty sum.
    package let latency: Double
    /// 1/β in bytes per second.
    package let bandwidth: Double

    /// Fits the model to times by least squares of their relative errors, so that small sums count
    /// as much as large ones.
    package init(_ times: [(bytes: Int, seconds: Double)]) {
        var (w, wx, wxx, wy, wxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for time in times where time.seconds > 0 {
            let weight = 1 / (time.seconds * time.seconds)
            let x = Double(time.bytes)
            w += weight
            wx += weight * x
            wxx += weight * x * x
            wy += weight * time.seconds
            wxy += weight * x * time.seconds
        }
        let determinant = w * wxx - wx * wx
        let slope = determinant > 0 ? (w * wxy - wx * wy) / determinant : 0
        latency = w > 0 ? max((wy - slope * wx) / w, 0) : 0
        bandwidth = slope > 0 ? 1 / slope : 0
    }
}
