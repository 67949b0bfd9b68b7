import ArgumentParser
import Datasets
import Evaluation
import Files
import Foundation
import Reporting
import Training

struct DataInspectCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract:
            "Describes datasets: source, layout, images of each class, sizes, mean and standard deviation.",
        discussion: """
              t2fnorm data inspect data/cifar10/train
              t2fnorm data inspect data/cifar10/train --sheet sheet.png

            Means and standard deviations are over all pixels, for red, green and blue from 0 to 1, as in 'data.transform'.
            """)

    @Argument(help: "Dataset folders.")
    var datasets: [String]

    @Option(
        help: ArgumentHelp(
            "Number of images, spread evenly over the set, for sizes, mean and standard deviation; 0 for all.",
            valueName: "n"))
    var sample = 10_000

    @Option(
        help: ArgumentHelp(
            "Write a PNG with thumbnails of one dataset: one row per class, at most 20.", valueName: "file"))
    var sheet: String?

    func validate() throws {
        guard sample >= 0 else { throw ValidationError("--sample is 0 or more") }
        guard sheet == nil || datasets.count == 1 else { throw ValidationError("--sheet takes one dataset") }
    }

    func run() throws {
        for path in datasets {
            let dataset = try PackedDataset(path: path)
            describe(dataset)
            try describePixels(of: dataset)
            describeClasses(of: dataset)
            if let sheet { try writeSheet(of: dataset, to: sheet) }
        }
    }

    private func describe(_ dataset: PackedDataset) {
        let manifest = dataset.manifest
        printLine("\(dataset.path): \(manifest.name), \(manifest.count) images, \(manifest.layout.summary)")
        printLine("made \(manifest.created) from \(manifest.source); fingerprint \(dataset.fingerprint)")
        let megabytes = decimal(Double(manifest.shards.reduce(0) { $0 + $1.byteCount }) / 1e6, 1)
        let counts = manifest.shards.map(\.count)
        print(
            "\(counts.count) shards of \(counts.min() ?? 0) to \(counts.max() ?? 0) images, \(megabytes) MB; each record "
                + (manifest.recordChecksum.map { "checked by \($0)" } ?? "without a checksum of its own"))
        if let split = manifest.benchmark {
            printLine(
                "set \(split.set) (\(split.role.rawValue)) of \(split.benchmark), \(split.version); list \(split.list), hash \(split.listHash)"
            )
        }
        for note in manifest.notes { printLine("note: \(note)") }
    }

    private func describePixels(of dataset: PackedDataset) throws {
        var line = ProgressLine(on: .standardError)
        defer { line.clear() }
        let statistics = try DatasetStatistics(
            of: dataset, limit: sample == 0 ? .max : sample, threads: ThreadChoice().count(0)
        ) { done, total in
            if done < total || line.terminal != nil {
                line.update(
                    fraction: Double(done) / Double(total), ["\(dataset.path): \(done) of \(total) images"])
            }
        }
        line.clear()
        let (widths, heights, commonest) = (statistics.widths, statistics.heights, statistics.commonest)
        let numbers = { (values: [Double]) in values.map { decimal($0, 4) }.joined(separator: " ") }
        let share = decimal(100 * Double(commonest.count) / Double(statistics.imageCount), 1)
        print(
            """
            of \(statistics.imageCount == dataset.count ? "all" : "\(statistics.imageCount)") images:
              width \(widths.lowerBound) to \(widths.upperBound), height \(heights.lowerBound) to \(heights.upperBound); \
            \(commonest.width)×\(commonest.height) in \(share) %
              mean \(numbers(statistics.means)), standard deviation \(numbers(statistics.standardDeviations))
            """)
    }

    private func describeClasses(of dataset: PackedDataset) {
        let manifest = dataset.manifest
        var counts: [Int32: Int] = [:]
        for record in 0..<dataset.count { counts[dataset.label(of: record), default: 0] += 1 }
        if manifest.classCount > 0 {
            let present = counts.filter { $0.key >= 0 }.map(\.value)
            let empty = manifest.classCount - present.count
            print(
                "\(manifest.classCount) classes of \(empty > 0 ? 0 : present.min() ?? 0) to \(present.max() ?? 0) images"
                    + (empty == 0 ? "" : ", \(empty) without any"))
        }
        let rows = counts.sorted { $0.key < $1.key }.map { label, count in
            Table.Row([
                "\(label)", manifest.className(label), "\(count)",
                decimal(100 * Double(count) / Double(dataset.count), 2),
            ])
        }
        print(Table(columns: ["label", "class", "images", "%"], rows: rows))
    }

    private func writeSheet(of dataset: PackedDataset, to path: String) throws {
        let sheet = try ContactSheet(of: dataset)
        let png = Data(try sheet.image.png())
        do {
            try replaceFile(at: path) { try png.write(to: URL(filePath: $0)) }
        } catch {
            throw FileError(path: path, error)
        }
        printLine("\(path): \(sheet.image.width)×\(sheet.image.height) pixels")
        guard !sheet.labels.isEmpty else { return }
        let names = sheet.labels.map { label in
            let name = dataset.manifest.className(label)
            return name.isEmpty ? "\(label)" : name
        }
        printLine("rows from the top: \(names.joined(separator: ", "))")
    }
}

extension Manifest {
    /// The class's name; empty if unknown.
    fileprivate func className(_ label: Int32) -> String {
        if label < 0 { return "out of distribution" }
        return Int(label) < classNames.count ? classNames[Int(label)] : ""
    }
}

extension Manifest.Layout {
    /// The layout in words.
    var summary: String {
        switch self {
        case .pixels(let height, let width, let channels): "pixels of \(height)×\(width)×\(channels)"
        case .encoded: "encoded image files"
        }
    }
}
