import ArgumentParser
import Datasets
import Reporting
import Training

struct DataVerifyCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every shard of datasets and compares it with its checksum.",
        discussion: """
            Every byte is checked, including those that training does not read. For a damaged shard it names the damaged records and \
            their source files. Training and evaluation check each record when they read it.
            """)

    @Argument(help: "Dataset folders.")
    var datasets: [String]

    @Option(help: ArgumentHelp("Shards read in parallel; 0 for one per core.", valueName: "n"))
    var threads = 0

    func validate() throws {
        guard threads >= 0 else { throw ValidationError("--threads is 0 or more") }
    }

    func run() throws {
        let threads = try ThreadChoice().count(threads)
        for path in datasets {
            let progress = ByteProgress(path)
            let manifest: Manifest
            do {
                manifest = try PackedDataset.verify(path: path, threads: threads) { progress.update($0, $1) }
            } catch {
                progress.clear()
                throw error
            }
            let byteCount = manifest.shards.reduce(0) { $0 + $1.byteCount }
            progress.finish { seconds in
                "\(path): \(manifest.count) images in \(manifest.shards.count) shards are whole; "
                    + "\(megabytes(byteCount)) MB in \(decimal(seconds, 2)) s"
            }
        }
    }
}
