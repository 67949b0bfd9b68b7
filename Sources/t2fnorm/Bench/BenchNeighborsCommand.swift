import ArgumentParser
import Benchmarking
import Cluster
import Detection
import Foundation
import Reporting
import Training

struct BenchNeighborsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "Times the exact nearest-neighbour search of the score knn.",
        discussion: """
            Bank and queries are random non-negative numbers, like features; both are sharded over the ranks. The time is that of the slowest rank from \
            queries to confidences, the median of the rounds; it does not include building the bank.

              t2fnorm bench neighbors --threads 2
              mpirun -n 2 t2fnorm bench neighbors --bank 1281167 --dimension 2048 \\
                  --queries 1000 --k 1000 --json
            """)

    @Option(help: "Bank vectors, over all ranks.")
    var bank = 50_000

    @Option(help: "Query vectors, over all ranks.")
    var queries = 10_000

    @Option(help: "Dimension of a vector.")
    var dimension = 512

    @Option(name: .customLong("k"), help: "k: the distance to the k-th nearest neighbour is the score.")
    var neighbor = 50

    @Option(help: "Threads per rank; 0 for one per core.")
    var threads = 0

    @Option(help: "Timed searches, after an untimed one.")
    var rounds = 3

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        for (name, value, least) in [
            ("--bank", bank, 1), ("--queries", queries, 1), ("--dimension", dimension, 1),
            ("--k", neighbor, 1), ("--threads", threads, 0), ("--rounds", rounds, 1),
        ] where value < least {
            throw ValidationError("\(name) is \(value), expected \(least) or more")
        }
        guard neighbor <= bank else {
            throw ValidationError("--k is \(neighbor), expected at most the \(bank) records of --bank")
        }
    }

    func run() throws {
        try runJob { communicator in
            let report = try NeighborsBenchmark(
                bank: bank, queries: queries, dimension: dimension, neighbor: neighbor,
                threads: ThreadChoice(communicator).count(threads),
                communicator: communicator
            ).run(rounds: rounds)
            if communicator.rank == 0 { print(json ? try jsonLine(report) : report.description) }
            return 0
        }
    }
}

extension NeighborsBenchmark.Report: CustomStringConvertible {
    var description: String {
        """
        \(queries) queries, bank of \(bank) × \(dimension), k = \(neighbor), \(ranks) \(ranks == 1 ? "rank" : "ranks") of \(threads) \
        \(threads == 1 ? "thread" : "threads"): \(decimal(seconds, 3)) s (median of \(rounds)), \
        \(decimal(Double(queries) / seconds, 0)) queries/s, \(decimal(gigaflops, 0)) GFLOP/s
        """
    }
}
