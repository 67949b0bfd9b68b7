import ArgumentParser
import Cluster
import DatasetPacking
import Datasets
import Foundation
import Reporting

extension DataPackCommand {
    /// Splits a source, packs each part into its own dataset, and prints one table of them.
    func packParts(
        of source: any RecordSource, name: String, _ options: PackingOptions,
        _ communicator: any Communicator
    ) throws {
        let parts = try communicator.together { try SplitPart.parts(of: source, self.source.options) }
        var rows: [Table.Row] = []
        for part in parts {
            let folder = "\(output)/\(part.name)"
            let manifest = try pack(
                part.records, name: "\(name)-\(part.name)", to: folder, options, communicator)
            let sizes = part.classSizes
            rows.append(
                Table.Row([
                    part.name, "\(manifest.count)", "\(manifest.classCount)",
                    "\(sizes.lowerBound) to \(sizes.upperBound)", folder,
                ]))
        }
        guard communicator.rank == 0 else { return }
        print()
        print(
            Table(columns: ["set", "images", "classes", "images of a class", "folder"], rows: rows).console(
                on: Terminal(of: STDOUT_FILENO)))
    }
}
