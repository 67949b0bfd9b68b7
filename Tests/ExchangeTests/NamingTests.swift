import Exchange
import Foundation
import Networks
import TestSupport
import Testing

/// Files whose names, shapes or types differ from the network's.
@Suite(.slow, .timeLimit(.minutes(30))) struct NamingTests {
    private let classifier: Classifier

    init() {
        classifier = Classifier(.resnet20, head: .linear, classes: 10)
        classifier.parameters.initialize(seed: 8)
    }

    private func tensors(_ other: Classifier? = nil) -> [SampleTensor] {
        SampleTensor.all(of: other ?? classifier)
    }

    private func model(_ tensors: [SampleTensor], key: String? = nil) throws -> ModelFile {
        try ModelFile(bytes: tensors.safetensors, path: "x", key: key)
    }

    private func expectSame(_ a: Classifier, _ b: Classifier) {
        for entry in a.parameters.entries {
            #expect(a.parameters.elements(of: entry) == b.parameters.elements(of: entry), "\(entry.name)")
        }
    }

    @Test(arguments: [
        "", "module.", "backbone.", "_orig_mod.", "module._orig_mod.backbone.", "_orig_mod.module.", "model.",
        "net.", "module._orig_mod.encoder.", "a.b.c.",
    ])
    func whateverStandsBeforeAllNamesIsTakenOffAndSaid(prefix: String) throws {
        let match = try model(tensors().renamed { prefix + $0 }).match(.resnet20)
        expectSame(classifier, try match.makeClassifier())
        #expect(match.notes == (prefix.isEmpty ? [] : ["the prefix '\(prefix)' is removed from the names"]))
    }

    @Test func wrappersInsideOfANetworkAreTakenOffToo() throws {
        let file = try model(
            tensors().renamed {
                $0.replacing("layer1.0.", with: "layer1._orig_mod.0.")
                    .replacing(".conv2.", with: "._fsdp_wrapped_module.conv2.")
            })
        expectSame(classifier, try file.makeClassifier(.resnet20))
    }

    @Test(arguments: ["fc", "classifier", "head", "fc.1", "classifier.1", "head.fc"])
    func theLastLayerIsFoundByItsUsualNames(name: String) throws {
        for prefix in ["", "model."] {
            let file = try model(tensors().renamed { prefix + $0.replacing("linear.", with: "\(name).") })
            let match = try file.match(.resnet20)
            expectSame(classifier, try match.makeClassifier())
            #expect(match.notes.contains("the last layer is '\(prefix)\(name)'") == (name != "fc"))
        }
        // The last layer is outside the prefix of the backbone.
        let beside = try model(
            tensors().renamed {
                $0.hasPrefix("linear.") ? $0.replacing("linear.", with: "\(name).") : "net.\($0)"
            })
        expectSame(classifier, try beside.makeClassifier(.resnet20))
    }

    @Test func anotherLastLayerIsTakenByItsName() throws {
        let file = try model(tensors().renamed { "m." + $0.replacing("linear.", with: "logits.") })
        #expect(
            reason(file)
                == """
                does not hold a resnet20: 2 unexpected: m.logits.weight, m.logits.bias; it has no last layer: expected fc.weight, \
                linear.weight, classifier.weight or head.weight of shape [classes, 64] among its 97 tensors; of that shape are \
                m.logits.weight: choose one with --last-layer NAME, without .weight
                """)
        for name in ["logits", "m.logits"] {
            expectSame(classifier, try file.match(.resnet20, lastLayer: name).makeClassifier())
        }
    }

    @Test func severalLastLayersAreToldApartByName() throws {
        let other = [
            SampleTensor("fc.weight", [3, 64], [Float](repeating: 1, count: 192)),
            SampleTensor("fc.bias", [3], [0, 0, 0]),
        ]
        let file = try model(tensors() + other)
        #expect(
            reason(file)
                == "does not hold a resnet20: it has several last layers: fc, linear; choose one with --last-layer, as --last-layer fc"
        )
        let match = try file.match(.resnet20, lastLayer: "linear")
        expectSame(classifier, try match.makeClassifier())
        #expect(match.notes == ["2 tensors are ignored: fc.weight, fc.bias"])
        #expect(try file.match(.resnet20, lastLayer: "fc").classes == 3)
    }

    @Test func aTransposedLastLayerIsSaid() throws {
        var changed = tensors()
        changed[changed.count - 2].shape = [64, 10]
        #expect(
            reason(try model(changed))
                == "does not hold a resnet20: linear.weight has shape [64, 10], expected [classes, 64]: it is transposed"
        )
    }

    /// The counter of weight averaging, a loss's weights and tensors outside the prefix are not
    /// part of the network.
    @Test func whatTheNetworkHasNoUseForIsPassedOverAndListed() throws {
        let count = SampleTensor("n_averaged", [], type: "I64", bytes: little(5, 8))
        let loss = SampleTensor("criterion.weight", [10], [Float](repeating: 1, count: 10))
        let file = try model(tensors().renamed { "module.model.\($0)" } + [count, loss])
        let match = try file.match(.resnet20)
        expectSame(classifier, try match.makeClassifier())
        #expect(match.notes.last == "2 tensors are ignored: n_averaged, criterion.weight")
        expectSame(classifier, try model(tensors() + [count, loss]).makeClassifier(.resnet20))
    }

    @Test func manyTensorsThatDoNotBelongAreListedOnceAndShortened() throws {
        let others = (0..<400).map { SampleTensor("layer9.\($0).weight", [1, 2], [0, 0]) }
        let found = reason(try model(tensors() + others))
        #expect(
            found.hasPrefix("does not hold a resnet20: 400 unexpected: layer9.0.weight, layer9.1.weight, "))
        #expect(found.hasSuffix("layer9.7.weight and 392 more") && found.utf8.count < 300, "\(found)")
    }

    @Test func twoNetworksInOneFileAreNamedAndAKeyChooses() throws {
        let twins = tensors().renamed { "student.\($0)" } + tensors().renamed { "teacher.\($0)" }
        #expect(
            reason(try model(twins))
                == "is a resnet20, but it holds the network 2 times, under the names student.*, teacher.*; choose one with --key, as --key student"
        )
        expectSame(classifier, try model(twins, key: "teacher").makeClassifier(.resnet20))
        #expect(throws: ExchangeError.self) { try model(twins, key: "none") }
    }

    @Test(arguments: [
        NetworkName.resnet20, .resnet32, .resnet44, .resnet56, .resnet18At32, .resnet18At224, .resnet34,
        .resnet50, .resnet18BlurPool, .resnet50BlurPool, .wideResNet28x10, .wideResNet40x2,
    ])
    func theNetworkIsFoundByNamesAndShapes(name: NetworkName) throws {
        let other = Classifier(name, head: .linear, classes: 3)
        let match = try model(tensors(other).renamed { "net.\($0)" }).match()
        #expect(match.network == name && match.classes == 3)
    }

    @Test func aNetworkOfNoKindIsSaidWithTheNearest() throws {
        let few = tensors().filter { $0.name != "layer3.1.bn1.bias" }
        let error = #expect(throws: ExchangeError.self) { try model(few).match() }
        let found = try #require(error).reason
        #expect(found.hasPrefix("holds none of the networks resnet18_32x32, "))
        #expect(found.hasSuffix("nearest is resnet20: 1 missing: layer3.1.bn1.bias"), "\(found)")
    }

    @Test(arguments: [HeadKind.linear, .t2fnorm(temperature: 0.1), .projection(outputs: 8)])
    func aNewHeadIsTheOneThatTrainingWouldDraw(head: HeadKind) throws {
        let drawn = Classifier(.resnet20, head: head, classes: 20)
        drawn.parameters.initialize(seed: 6)
        let other = [SampleTensor("projector.0.weight", [5, 64], [Float](repeating: 1, count: 320))]
        for file in [
            try model(tensors() + other), try model(tensors().filter { !$0.name.hasPrefix("linear.") }),
        ] {
            let match = try file.match(.resnet20, takesLastLayer: false)
            let made = try match.makeClassifier(newHead: head, classes: 20, seed: 6)
            #expect(made.headKind == head && made.classes == 20)
            for (index, entry) in made.parameters.entries.enumerated() {
                let isHead = index >= classifier.parameters.entries.count - 2
                let source = isHead ? drawn.parameters : classifier.parameters
                #expect(
                    made.parameters.elements(of: entry) == source.elements(of: source.entries[index]),
                    "\(entry.name)")
            }
        }
    }

    @Test func theLastLayerAndProjectionsMayHaveTheirOtherNames() throws {
        let last = try model(tensors().renamed { $0.replacing("linear.", with: "fc.") })
        expectSame(classifier, try last.makeClassifier(.resnet20))
        let network = Classifier(.resnet18At32, head: .linear, classes: 10)
        network.parameters.initialize(seed: 9)
        let projections = try model(
            tensors(network).renamed { $0.replacing("shortcut.", with: "downsample.") })
        expectSame(network, try projections.makeClassifier(.resnet18At32))
    }

    @Test func tauMakesTheHeadUnlessOneIsAskedFor() throws {
        let tau = SampleTensor("module.tau", [], [0.25])
        let file = try model([tau] + tensors().renamed { "module.backbone.\($0)" })
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
        changed.append(SampleTensor("module.linear.bias", [1], [0]))
        #expect(
            reason(try model(changed))
                == """
                does not hold a resnet20: 2 missing: conv1.weight, bn1.running_mean; 2 unexpected: stem.weight, other.running_mean; \
                3 misshapen: bn1.weight is float32 [4, 4], expected real numbers [16], bn1.bias is int32 [16], expected real numbers [16], \
                linear.bias is float32 [1], expected real numbers [10]; 1 equal except for prefixes: linear.bias and module.linear.bias
                """)
    }

    @Test func countsOfBatchesMayBeMissing() throws {
        #expect(try model(tensors()).makeClassifier(.resnet20).parameters.batchCount == 0)
        let count = SampleTensor("bn1.num_batches_tracked", [1], type: "I64", bytes: little(78_000, 8))
        let last = SampleTensor(
            "layer3.2.bn2.num_batches_tracked", [], type: "I64", bytes: little(78_000, 8))
        #expect(
            try model(tensors() + [count, last]).makeClassifier(.resnet20).parameters.batchCount == 78_000)
    }

    /// The significand has 11 bits in float16 and 8 in bfloat16.
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
                == "tensor '\(changed[5].name)' holds a NaN or infinite value: nan is element 2 of \(changed[5].shape[0] * changed[5].shape[1] * 9); the training that wrote it diverged, take an earlier checkpoint"
        )
    }

    @Test(arguments: [Float(-1), -1e-30]) func aNegativeVarianceIsRefused(value: Float) throws {
        var changed = tensors()
        changed[4] = SampleTensor("bn1.running_var", [16], [Float](repeating: 1, count: 15) + [value])
        #expect(
            reason(try model(changed))
                == "tensor 'bn1.running_var' holds a negative variance: \(value) is element 15 of 16, expected 0 or more; the file is damaged"
        )
        changed[4] = SampleTensor("bn1.running_var", [16], [Float](repeating: -0.0, count: 16))
        #expect(throws: Never.self) { try model(changed).makeClassifier(.resnet20) }
    }

    @Test(arguments: [Int.max, -1, .min]) func aCountOfBatchesThatCannotBeIsRefused(count: Int) throws {
        let tensor = SampleTensor("bn1.num_batches_tracked", [], type: "I64", bytes: little(count, 8))
        #expect(
            reason(try model(tensors() + [tensor]))
                == "tensor 'bn1.num_batches_tracked' is \(count), expected a count of batches from 0 to 2⁵³")
    }

    @Test func aFileWithoutALastLayerIsSaid() throws {
        let few = try model([SampleTensor("a", [1], [0])])
        #expect(
            reason(few).hasSuffix(
                "it has no last layer: expected fc.weight, linear.weight, classifier.weight or head.weight of shape [classes, 64] among its 1 tensors"
            ))
        let flat = try model([SampleTensor("fc.weight", [1], [0])])
        #expect(reason(flat).contains("it has no last layer"))
        #expect(throws: ExchangeError.self) { try flat.match(.resnet20, lastLayer: "fc") }
    }

    private func reason(_ model: ModelFile, sourceLocation: SourceLocation = #_sourceLocation) -> String {
        #expect(throws: ExchangeError.self, sourceLocation: sourceLocation) {
            try model.makeClassifier(.resnet20)
        }?.reason ?? ""
    }
}
