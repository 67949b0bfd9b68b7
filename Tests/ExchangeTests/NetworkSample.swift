import Exchange
import Foundation
import Networks

/// A tensor of a synthetic file.
struct SampleTensor {
    var name: String
    var shape: [Int]
    var type = "F32"
    var bytes: [UInt8]

    init(_ name: String, _ shape: [Int], type: String = "F32", bytes: [UInt8]) {
        (self.name, self.shape, self.type, self.bytes) = (name, shape, type, bytes)
    }

    /// A tensor in single precision.
    init(_ name: String, _ shape: [Int], _ values: [Float]) {
        self.init(name, shape, bytes: values.flatMap { little(Int($0.bitPattern), 4) })
    }

    /// The tensors of a network except its batch counts.
    static func all(of classifier: Classifier) -> [SampleTensor] {
        classifier.parameters.entries.filter { $0.role != .batchCount }.map {
            SampleTensor($0.name, $0.shape, classifier.parameters.elements(of: $0))
        }
    }
}

extension [SampleTensor] {
    /// The bytes of a safetensors file.
    var safetensors: [UInt8] {
        var position = 0
        let entries = map { tensor in
            defer { position += tensor.bytes.count }
            return
                #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(position),\#(position + tensor.bytes.count)]}"#
        }
        let header = "{" + entries.joined(separator: ",") + "}"
        return little(header.utf8.count, 8) + [UInt8](header.utf8) + flatMap(\.bytes)
    }

    func renamed(_ name: (String) -> String) -> [SampleTensor] {
        map { tensor in
            var tensor = tensor
            tensor.name = name(tensor.name)
            return tensor
        }
    }
}
