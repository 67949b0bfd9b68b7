import ArgumentParser
import Datasets
import Reporting

struct DataInspectCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Prints what datasets hold: source, layout, images of each class.")

    @Argument(help: "Dataset folders.")
    var datasets: [String]

    func run() throws {
        for path in datasets {
            let dataset = try PackedDataset(path: path)
            let manifest = dataset.manifest
            print("\(path): \(manifest.name), \(manifest.count) images, \(manifest.layout.summary)")
            print("made \(manifest.created) from \(manifest.source); fingerprint \(dataset.fingerprint)")
            if let split = manifest.benchmark {
                print(
                    "set \(split.set) (\(split.role.rawValue)) of \(split.benchmark), \(split.version); list \(split.list), hash \(split.listHash)"
                )
            }
            for note in manifest.notes { print("note: \(note)") }
            var counts: [Int32: Int] = [:]
            for record in 0..<dataset.count { counts[dataset.label(of: record), default: 0] += 1 }
            let rows = counts.sorted { $0.key < $1.key }.map { label, count in
                Table.Row(["\(label)", className(label, manifest), "\(count)"])
            }
            print(Table(columns: ["label", "class", "images"], rows: rows).console())
        }
    }

    private func className(_ label: Int32, _ manifest: Manifest) -> String {
        if label < 0 { return "out of distribution" }
        return Int(label) < manifest.classNames.count ? manifest.classNames[Int(label)] : ""
    }
}

extension Manifest.Layout {
    /// In words.
    var summary: String {
        switch self {
        case .pixels(let height, let width, let channels): "pixels of \(height)×\(width)×\(channels)"
        case .encoded: "encoded image files"
        }
    }
}
