import Foundation
import TestSupport
import Testing

/// Files written by PyTorch and safetensors, with their content; by
/// `Tests/Fixtures/make_model_files.py`.
struct ModelFileCase: Decodable, CustomTestStringConvertible {
    struct Tensor: Decodable {
        var name: String
        var type: String
        var shape: [Int]
        var values: [Float]
    }

    var name: String
    var format: String
    var file: Data
    var tensors: [Tensor]

    var testDescription: String { "\(name), \(format)" }

    static let all: [ModelFileCase] = {
        do {
            return try JSONDecoder().decode([ModelFileCase].self, from: fixtureData(named: "model_files"))
        } catch {
            preconditionFailure("model_files.json: \(error)")
        }
    }()

    /// The bytes of one file.
    static func bytes(_ name: String, _ format: String) -> [UInt8] {
        guard let found = all.first(where: { $0.name == name && $0.format == format }) else {
            preconditionFailure("no case \(name), \(format)")
        }
        return [UInt8](found.file)
    }
}
