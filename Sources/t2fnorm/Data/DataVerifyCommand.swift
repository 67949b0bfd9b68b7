import ArgumentParser
import Datasets

struct DataVerifyCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Reads every shard of datasets and compares it with its checksum.")

    @Argument(help: "Dataset folders.")
    var datasets: [String]

    func run() throws {
        for path in datasets {
            let dataset = try PackedDataset(path: path)
            var progress = ProgressLine()
            try dataset.verify { done, total in
                progress.update(fraction: Double(done) / Double(total), "\(path): \(done) of \(total) shards")
            }
            progress.printLine(
                "\(path): \(dataset.count) images in \(dataset.manifest.shards.count) shards are whole")
        }
    }
}
