package import DatasetPacking
package import Datasets
package import Foundation
package import Synthesis
import SystemPackage

/// Synthetic records of one size: labels cycle, and every pixel depends on the record.
package func drawnRecords(
    count: Int, width: Int = 7, height: Int = 5, classNames: [String] = ["a", "b", "c"]
)
    -> GeneratedRecords
{
    GeneratedRecords(origin: "drawn", classNames: classNames, count: count) { index in
        (Int32(index % 3), drawnImage(index, width: width, height: height))
    }
}

package func drawnImage(_ index: Int, width: Int = 7, height: Int = 5) -> RGBImage {
    let bytes = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ index &* 31) }
    return RGBImage(width: width, height: height, bytes: bytes)
}

extension SyntheticSet {
    /// The set as a source for the packer.
    package var records: GeneratedRecords {
        GeneratedRecords(self, origin: origin, classNames: classNames)
    }
}

/// Packs into `folder/name` and opens the result.
package func pack(
    _ source: any RecordSource, _ folder: String, _ name: String = "set",
    options: PackingOptions = PackingOptions()
) throws -> PackedDataset {
    var packer = Packer(source: source, name: name, destination: "\(folder)/\(name)", options: options)
    let manifest = try packer.run()
    let dataset = try PackedDataset(path: "\(folder)/\(name)")
    precondition(dataset.manifest == manifest, "the manifest read is not the one written")
    return dataset
}

/// Paths as strings, for tests.
extension FileTree {
    package func contents(of file: String) throws(DatasetError) -> [UInt8] {
        try contents(of: FilePath(file))
    }

    /// The visible files, in order.
    package func files() throws(DatasetError) -> [String] { try listing().files.map(\.text) }
}

/// The description of the error that `body` throws; empty if it does not throw.
package func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}

/// Writes `bytes` to `folder/name`, creating missing folders, and returns the path.
@discardableResult
package func write(_ bytes: some Sequence<UInt8>, _ folder: String, _ name: String) throws -> String {
    let file = URL(filePath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
}

package enum ByteFile {
    package static func read(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }
}
