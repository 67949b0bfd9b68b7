import Checksums
import DatasetPacking
import Datasets
import Foundation

/// Archives in official formats and their content; see `Tests/Fixtures/make_reader_samples.py`.
struct ReaderSamples: Decodable {
    struct Part: Decodable {
        var labels: [Int32]
        /// CRC-64/XZ over each image's bytes.
        var checksums: [String]
        var names: [String]?
    }

    struct CIFAR: Decodable {
        var train: Part
        var test: Part
        var classNames: [String]
    }

    var cifar10: CIFAR
    var cifar100: CIFAR
    var svhn: Part
    var emnist: Part
    var webdataset: Part

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/readers").path

    static let all: ReaderSamples = {
        let path = "\(folder)/samples.json"
        do {
            return try JSONDecoder().decode(
                ReaderSamples.self, from: try Data(contentsOf: URL(filePath: path)))
        } catch {
            preconditionFailure("\(path): \(error)")
        }
    }()

    static func path(_ name: String) -> String { "\(folder)/\(name)" }
}

/// The checksums of records that hold pixels.
func checksums(_ records: [Record]) -> [String] {
    records.map { record in
        guard case .pixels(let image) = record.payload else { return "no pixels" }
        return CRC64(image.bytes).hexadecimal
    }
}

/// All records of a source.
func records(of source: any RecordSource) throws -> [Record] {
    var source = source
    var records: [Record] = []
    while let record = try source.next() { records.append(record) }
    return records
}
