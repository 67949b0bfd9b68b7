import ArgumentParser
import Cluster
import DatasetPacking
import Datasets
import Foundation
import Reporting

extension DataPackCommand {
    /// Splits a source, packs each part into its own dataset, and prints one table of them.
    func packParts(
        of source: any RecordSource, _ shares: [Int], name: String, _ options: PackingOptions,
        _ communicator: any Communicator
    ) throws {
        guard let source = source as? any LabelledRecords else {
            throw ValidationError("--split with shares goes with folders and archives of images")
        }
        let seed = seed ?? 0
        let labels = outOfDistribution ? source.labels.map { _ in -1 } : source.labels
        let split = try communicator.together {
            try SetSplit(of: labels, shares: shares, seed: seed, origin: source.origin)
        }
        let cut = "of \(shares.map(String.init).joined(separator: "/")), seed \(seed)"
        var rows: [Table.Row] = []
        for (part, records) in zip(SplitChoice.partNames(shares.count), split.records) {
            let set = RecordsPart(source, records, name: "\(part) \(cut)")
            let manifest = try pack(
                set, name: "\(name)-\(part)", to: "\(output)/\(part)", options, communicator)
            let counts = Dictionary(grouping: records) { labels[$0] }.values.map(\.count)
            rows.append(
                Table.Row([
                    part, "\(manifest.count)", "\(manifest.classCount)",
                    "\(counts.min() ?? 0) to \(counts.max() ?? 0)", "\(output)/\(part)",
                ]))
        }
        guard communicator.rank == 0 else { return }
        print()
        print(
            Table(columns: ["set", "images", "classes", "images of a class", "folder"], rows: rows).console(
                on: Terminal(of: STDOUT_FILENO)))
    }
}
