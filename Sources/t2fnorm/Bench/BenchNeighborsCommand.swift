import ArgumentParser
import Cluster
import Detection
import Foundation
import Reporting
import Training

struct BenchNeighborsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "neighbors",
        abstract: "Times the exact search for nearest neighbours of the score knn.",
        discussion: """
            Bank and queries are drawn numbers from 0, as features are; ranks share out both. The time is that of the slowest rank from queries to \
            confidences, the median of the rounds; making the bank is not in it.

              t2fnorm bench neighbors --threads 2
              mpirun -n 2 t2fnorm bench neighbors --bank 1281167 --dimension 2048 \\
                  --queries 1000 --k 1000 --json
            """)

    @Option(help: "Records in the bank, over all ranks.")
    var bank = 50_000

    @Option(help: "Records looked up, over all ranks.")
    var queries = 10_000

    @Option(help: "Numbers in a feature.")
    var dimension = 512

    @Option(name: .customLong("k"), help: "Which neighbour counts.")
    var neighbor = 50

    @Option(help: "Threads of a rank; 0 for one a core.")
    var threads = 0

    @Option(help: "Searches that are timed, after one that is not.")
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
