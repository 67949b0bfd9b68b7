import Datasets

/// Packs `source` with progress on standard output.
func pack(
    _ source: any RecordSource, name: String, to destination: String, _ options: PackingOptions
) throws {
    var display = PackingDisplay(name)
    var packer = Packer(source: source, name: name, destination: destination, options: options)
    let manifest = try packer.run { display.update($0) }
    for note in manifest.notes { display.line.printLine("note: \(note)") }
    display.line.printLine(
        "\(destination): \(manifest.count) images, \(manifest.layout.summary), \(manifest.shards.count) shards"
    )
}

/// The progress of packing one dataset.
struct PackingDisplay {
    var line = ProgressLine()
    private let name: String
    private let start = ContinuousClock.now

    init(_ name: String) { self.name = name }

    mutating func update(_ progress: Packer.Progress) {
        let elapsed = max((ContinuousClock.now - start).inSeconds, 1e-9)
        let count = progress.total.map { "\(progress.done) of \($0)" } ?? "\(progress.done)"
        let fraction = progress.fraction ?? 0
        let rest = fraction > 0 ? duration(elapsed * (1 - fraction) / fraction) : "unknown"
        line.update(
            fraction: fraction,
            "\(name): \(count) images  \(decimal(Double(progress.done) / elapsed, 0)) img/s  ETA \(rest)")
    }
}
