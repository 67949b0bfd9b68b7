import ArgumentParser
import Datasets
import Synchronization
import Training

struct DataVerifyCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Reads every shard of datasets and compares it with its checksum.",
        discussion: """
            Every byte is compared, those that training does not read too. Of a damaged shard the records that are damaged are \
            named, with the files they came from; training and evaluation compare each record when they read it.
            """)

    @Argument(help: "Dataset folders.")
    var datasets: [String]

    @Option(help: ArgumentHelp("Shards that are read at a time; 0 for all cores.", valueName: "n"))
    var threads = 0

    func validate() throws {
        guard threads >= 0 else { throw ValidationError("--threads is 0 or more") }
    }

    func run() throws {
        let threads = try ThreadChoice().count(threads)
        for path in datasets {
            let line = Mutex(ProgressLine())
            let start = ContinuousClock.now
            let manifest: Manifest
            do {
                manifest = try PackedDataset.verify(path: path, threads: threads) { done, total in
                    let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
                    let fields = [
                        "\(path): \(megabytes(done)) of \(megabytes(total)) MB",
                        "\(megabytes(Int(rate))) MB/s",
                    ]
                    line.withLock {
                        $0.update(
                            fraction: Double(done) / Double(max(total, 1)),
                            remaining: Double(total - done) / max(rate, 1), fields)
                    }
                }
            } catch {
                line.withLock { $0.clear() }
                throw error
            }
            let byteCount = manifest.shards.reduce(0) { $0 + $1.byteCount }
            let seconds = (ContinuousClock.now - start).inSeconds
            line.withLock {
                $0.printLine(
                    "\(path): \(manifest.count) images in \(manifest.shards.count) shards are whole; "
                        + "\(megabytes(byteCount)) MB in \(decimal(seconds, 2)) s")
            }
        }
    }
}

private func megabytes(_ byteCount: Int) -> String { decimal(Double(byteCount) / 1e6, 0) }
