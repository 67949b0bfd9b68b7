import Exchange
import Foundation
import Networks
import TestSupport
import Testing

/// Files whose names, shapes and types are not quite those of the network.
@Suite struct NamingTests {
    private struct Tensor {
        var name: String
        var shape: [Int]
        var type = "F32"
        var bytes: [UInt8]
    }

    private let classifier: Classifier

    init() {
        classifier = Classifier(.resnet20, head: .linear, classes: 10)
        classifier.parameters.initialize(seed: 8)
    }

    /// The tensors of a network but for its counts of batches.
    private func tensors(_ other: Classifier? = nil) -> [Tensor] {
        let classifier = other ?? classifier
        return classifier.parameters.entries.filter { $0.role != .batchCount }.map { entry in
            Tensor(
                name: entry.name, shape: entry.shape,
                bytes: classifier.parameters.elements(of: entry).flatMap { little(Int($0.bitPattern), 4) })
        }
    }

    private func model(_ tensors: [Tensor]) throws -> ModelFile {
        var position = 0
        let entries = tensors.map { tensor in
            defer { position += tensor.bytes.count }
            return
                #""\#(tensor.name)":{"dtype":"\#(tensor.type)","shape":\#(tensor.shape),"data_offsets":[\#(position),\#(position + tensor.bytes.count)]}"#
        }
        let header = "{" + entries.joined(separator: ",") + "}"
        return try ModelFile(
            bytes: little(header.utf8.count, 8) + Array(header.utf8) + tensors.flatMap(\.bytes), path: "x")
    }

    private func renamed(_ tensors: [Tensor], _ name: (String) -> String) -> [Tensor] {
        tensors.map { tensor in
            var tensor = tensor
            tensor.name = name(tensor.name)
            return tensor
        }
    }

    private func expectSame(_ a: Classifier, _ b: Classifier) {
        for entry in a.parameters.entries {
            #expect(a.parameters.elements(of: entry) == b.parameters.elements(of: entry), "\(entry.name)")
        }
    }

    @Test(arguments: [
        "", "module.", "backbone.", "_orig_mod.", "module._orig_mod.backbone.", "_orig_mod.module.",
    ])
    func prefixesOfWrappersAreTakenOff(prefix: String) throws {
        let file = try model(renamed(tensors()) { prefix + $0 })
        expectSame(classifier, try file.makeClassifier(.resnet20))
    }

    @Test func theLastLayerAndProjectionsMayHaveTheirOtherNames() throws {
        let last = try model(renamed(tensors()) { $0.replacing("linear.", with: "fc.") })
        expectSame(classifier, try last.makeClassifier(.resnet20))
        let network = Classifier(.resnet18At32, head: .linear, classes: 10)
        network.parameters.initialize(seed: 9)
        let projections = try model(
            renamed(tensors(network)) { $0.replacing("shortcut.", with: "downsample.") })
        expectSame(network, try projections.makeClassifier(.resnet18At32))
    }

    @Test func tauMakesTheHeadUnlessOneIsAskedFor() throws {
        let tau = Tensor(name: "module.tau", shape: [], bytes: little(Int(Float(0.25).bitPattern), 4))
        let file = try model([tau] + renamed(tensors()) { "module.backbone.\($0)" })
        #expect(try file.makeClassifier(.resnet20).headKind == .t2fnorm(temperature: 0.25))
        #expect(try file.makeClassifier(.resnet20, head: .linear).headKind == .linear)
        var bad = tau
        bad.bytes = little(0, 4)
        #expect(
            reason(try model([bad] + tensors()))
                == "does not hold a resnet20: 1 misshapen: tau is float32 [], expected one number above 0")
    }

    @Test func allThatDoesNotFitIsSaidAtOnce() throws {
        var changed = tensors()
        changed[0].name = "stem.weight"
        changed[1].shape = [4, 4]
        changed[2].type = "I32"
        changed[3].name = "other.running_mean"
        changed.append(Tensor(name: "module.linear.bias", shape: [1], bytes: little(0, 4)))
        #expect(
            reason(try model(changed))
                == """
                does not hold a resnet20: 2 missing: conv1.weight, bn1.running_mean; 2 unexpected: stem.weight, other.running_mean; \
                3 misshapen: bn1.weight is float32 [4, 4], expected real numbers [16], bn1.bias is int32 [16], expected real numbers [16], \
                linear.bias is float32 [1], expected real numbers [10]; 1 the same but for prefixes: linear.bias and module.linear.bias
                """)
    }

    @Test func countsOfBatchesMayBeMissing() throws {
        #expect(try model(tensors()).makeClassifier(.resnet20).parameters.batchCount == 0)
        let count = Tensor(name: "bn1.num_batches_tracked", shape: [1], type: "I64", bytes: little(78_000, 8))
        let last = Tensor(
            name: "layer3.2.bn2.num_batches_tracked", shape: [], type: "I64", bytes: little(78_000, 8))
        #expect(
            try model(tensors() + [count, last]).makeClassifier(.resnet20).parameters.batchCount == 78_000)
    }

    /// float16 has 11 bits of a number, bfloat16 8.
    @Test(arguments: [("F16", 1.0 / 2048), ("BF16", 1.0 / 256)])
    func halfPrecisionIsReadToItsRounding(type: String, tolerance: Double) throws {
        let halves = tensors().map { tensor in
            var tensor = tensor
            tensor.type = type
            tensor.bytes = stride(from: 0, to: tensor.bytes.count, by: 4).flatMap { index in
                let bits = tensor.bytes[index..<index + 4].reversed().reduce(UInt32(0)) {
                    $0 << 8 | UInt32($1)
                }
                let half = Float16(Float(bitPattern: bits)).bitPattern
                return little(type == "F16" ? Int(half) : Int(bits >> 16), 2)
            }
            return tensor
        }
        let again = try model(halves).makeClassifier(.resnet20)
        for entry in again.parameters.entries {
            let own = again.parameters.elements(of: entry)
            #expect(
                relativeError(own, classifier.parameters.elements(of: entry).map(Double.init))
                    < tolerance)
        }
    }

    @Test func aNumberThatIsNoneIsRefused() throws {
        var changed = tensors()
        changed[5].bytes.replaceSubrange(8..<12, with: little(Int(Float.nan.bitPattern), 4))
        #expect(
            reason(try model(changed))
                == "tensor '\(changed[5].name)' holds a number that is none, or infinite")
    }

    @Test func aFileWithoutALastLayerIsSaid() throws {
        let few = try model([Tensor(name: "a", shape: [1], bytes: little(0, 4))])
        #expect(
            reason(few) == "has no last layer: expected fc.weight or linear.weight among its 1 tensors (a)")
        let flat = try model([Tensor(name: "fc.weight", shape: [1], bytes: little(0, 4))])
        #expect(reason(flat) == "fc.weight has shape [1], expected [classes, features]")
    }

    private func reason(_ model: ModelFile, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        #expect(throws: ExchangeError.self, sourceLocation: sourceLocation) {
            try model.makeClassifier(.resnet20)
        }?.reason ?? ""
    }
}
