import Cluster
import DatasetPacking
import Datasets
import Numerics
import Reporting

/// Packs `source`; rank 0 prints the progress on standard output.
@discardableResult
func pack(
    _ source: any RecordSource, name: String, to destination: String, _ options: PackingOptions,
    _ communicator: any Communicator
) throws -> Manifest {
    var display = communicator.rank == 0 ? PackingDisplay(name) : nil
    var packer = Packer(
        source: source, name: name, destination: destination, options: options,
        communicator: communicator)
    let manifest = try packer.run { display?.update($0) }
    for note in manifest.notes { display?.line.printLine("note: \(note)") }
    display?.line.printLine(
        "\(destination): \(manifest.count) images, \(manifest.layout.summary), \(manifest.shards.count) shards"
    )
    return manifest
}

/// The progress of packing one dataset.
struct PackingDisplay {
    var line = ProgressLine()
    private let name: String
    private let start = ContinuousClock.now
    private var isResumed = false

    init(_ name: String) { self.name = name }

    mutating func update(_ progress: Packer.Progress) {
        if progress.resumed > 0, !isResumed {
            isResumed = true
            line.printLine("\(name): going on, \(progress.resumed) images are in finished shards")
        }
        let elapsed = max((ContinuousClock.now - start).inSeconds, 1e-9)
        let count = progress.total.map { "\(progress.done) of \($0)" } ?? "\(progress.done)"
        let rate = Double(progress.done - progress.resumed) / elapsed
        let fraction = progress.fraction ?? 0
        let rest =
            progress.total.map { Double($0 - progress.done) / max(rate, 1e-9) }
            ?? (fraction > 0 ? elapsed * (1 - fraction) / fraction : nil)
        line.update(
            fraction: fraction, remaining: rest, ["\(name): \(count) images", "\(decimal(rate, 0)) img/s"])
    }
}
