import ArgumentParser
import Benchmarking
import Foundation
import Networks
import Reporting
import Training

struct BenchCheckpointCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Times checkpoints of a network: the stall of training, writing and loading.",
        discussion: """
            A checkpoint holds weights and momentum, as in training. In turn with it, a plain file of the same length is written, synced and read. Files \
            are read from the disk, as far as the system drops them from the page cache. Times are medians.

              t2fnorm bench checkpoint --network resnet50 --folder /scratch
            """)

    @Option(help: ArgumentHelp("The network.", valueName: "name"))
    var network = NetworkName.resnet50

    @Option(help: ArgumentHelp("Where to write.", valueName: "folder"))
    var folder = "."

    @Option(help: "Threads that take the snapshot; 0 for one per core.")
    var threads = 0

    @Option(help: "Timed checkpoints, after an untimed first one.")
    var rounds = 5

    @Flag(help: "Print one line of JSON.")
    var json = false

    func validate() throws {
        guard threads >= 0 else { throw ValidationError("--threads is \(threads), expected 0 or more") }
        guard rounds >= 1 else { throw ValidationError("--rounds is \(rounds), expected 1 or more") }
    }

    func run() throws {
        let benchmark = CheckpointBenchmark(
            network: network, folder: folder,
            threads: try ThreadChoice().count(threads))
        let report = try benchmark.run(rounds: rounds)
        print(json ? try jsonLine(report) : report.description)
    }
}

extension CheckpointBenchmark.Report {
    /// The table, and the rates relative to a plain file.
    var description: String {
        func row(_ name: String, _ time: (CheckpointBenchmark.Round) -> Double) -> Table.Row {
            let times = rounds.map(time)
            let middle = median(of: times)
            return Table.Row([
                name, decimal(1e3 * middle, 1), decimal(1e3 * (times.min() ?? 0), 1),
                decimal(1e3 * (times.max() ?? 0), 1), decimal(Double(byteCount) / middle / 1e6, 0),
            ])
        }
        let table = Table(
            columns: ["\(rounds.count) rounds", "ms", "least", "most", "MB/s"],
            rows: [
                row("taking the snapshot", \.stallSeconds), row("making the file", \.makingSeconds),
                row("writing and syncing it", \.writingSeconds),
                row("reading it again", \.checkingSeconds), row("all of writing", \.wholeSeconds),
                row("loading", \.loadingSeconds), row("plain write and sync", \.plainWritingSeconds),
                row("plain read", \.plainReadingSeconds),
            ])
        return """
            \(network), \(decimal(Double(byteCount) / 1e6, 1)) MB, \(threads) \(threads == 1 ? "thread" : "threads")

            \(table.console(on: Terminal(of: STDOUT_FILENO)))

            writing and syncing at \(decimal(100 * writingShare, 0)) % of a plain file's rate, loading at \(decimal(100 * loadingShare, 0)) %
            """
    }
}
