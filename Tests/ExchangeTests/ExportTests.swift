import Exchange
import Foundation
import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

@Suite(.slow, .timeLimit(.minutes(30))) struct ExportTests {
    private static let heads: [HeadKind] = [.linear, .t2fnorm(temperature: 0.1)]

    @Test(arguments: ExportFormat.allCases, heads)
    func aRoundTripKeepsEveryBit(format: ExportFormat, head: HeadKind) throws {
        let classifier = Classifier(.resnet20, head: head, classes: 7)
        classifier.parameters.initialize(seed: 3)
        // An odd count, and values that test the sign of zero and subnormal bits.
        classifier.parameters.batchCount = 12_345
        let first = classifier.parameters.entries[1]
        classifier.parameters.setElements(
            of: first, to: (0..<first.count).map { $0 % 2 == 0 ? -0.0 : Float(bitPattern: 713) })
        try withTemporaryFolder { folder in
            let path = "\(folder)/model"
            try classifier.export(as: format, metadata: ["network": "resnet20"], to: path)
            let again = try ModelFile(path: path).makeClassifier(.resnet20)
            #expect(again.headKind == head && again.classes == 7)
            for entry in classifier.parameters.entries {
                let (own, other) = (
                    classifier.parameters.elements(of: entry), again.parameters.elements(of: entry)
                )
                #expect(own.map(\.bitPattern) == other.map(\.bitPattern), "\(entry.name)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model"])
        }
    }

    /// `torch.load(mmap=True)` uses tensors in place.
    @Test func bytesOfTensorsBeginAtMultiplesOf64() throws {
        let classifier = Classifier(.resnet20, head: .linear, classes: 7)
        try withTemporaryFolder { folder in
            try classifier.export(as: .pytorch, to: "\(folder)/m")
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/m")))
            let number = { (place: Int, count: Int) in
                bytes[place..<place + count].reversed().reduce(0) { $0 << 8 | Int($1) }
            }
            var (place, entries) = (0, 0)
            // Traverses the local headers.
            while number(place, 4) == 0x0403_4B50 {
                let content = place + 30 + number(place + 26, 2) + number(place + 28, 2)
                #expect(content % 64 == 0, "entry \(entries)")
                place = content + number(place + 18, 4)
                entries += 1
            }
            #expect(entries > classifier.parameters.entries.count)
        }
    }

    @Test func namesAndOrderAreThoseOfOpenOODsNetwork() throws {
        let classifier = Classifier(.resnet18At32, head: .t2fnorm(temperature: 0.1), classes: 10)
        try withTemporaryFolder { folder in
            try classifier.export(as: .pytorch, to: "\(folder)/m")
            let names = try ModelFile(path: "\(folder)/m").tensors.map(\.name)
            #expect(names.count == 123)
            #expect(
                Array(names.prefix(3)) == ["tau", "backbone.conv1.weight", "backbone.bn1.weight"])
            #expect(names[6] == "backbone.bn1.num_batches_tracked")
            #expect(names.contains("backbone.layer2.0.shortcut.1.running_var"))
            #expect(Array(names.suffix(2)) == ["backbone.fc.weight", "backbone.fc.bias"])
        }
    }

    @Test(arguments: [true, false], [heads[0], heads[1]])
    func plainNamesAreTorchvisionsAndTemperatureIsFoldedOrNot(folds: Bool, head: HeadKind) throws {
        for network in [NetworkName.resnet20, .resnet18At32] {
            let classifier = Classifier(network, head: head, classes: 7)
            classifier.parameters.initialize(seed: 3)
            try withTemporaryFolder { folder in
                try classifier.export(
                    as: .pytorch, names: .torchvision(foldsTemperature: folds), to: "\(folder)/m")
                let model = try ModelFile(path: "\(folder)/m")
                #expect(model.tensors.map(\.name).prefix(2) == ["conv1.weight", "bn1.weight"])
                #expect(model.tensors.map(\.name).suffix(2) == ["fc.weight", "fc.bias"])
                #expect(!model.tensors.contains { $0.name.contains("shortcut") || $0.name.contains("tau") })
                let names = Set(model.tensors.map(\.name))
                #expect(names.contains("layer2.0.downsample.1.running_var") == (network == .resnet18At32))
                let weights = classifier.lastLayer.weights
                let divisor: Float = folds && head != .linear ? 0.1 : 1
                let again = try model.makeClassifier(network)
                #expect(again.headKind == .linear)
                #expect(again.lastLayer.weights == weights.map { $0 / divisor })
                #expect(again.lastLayer.bias == classifier.lastLayer.bias)
            }
        }
    }

    @Test func theFormatIsThatOfTheEnding() {
        for ending in ["pth", "pt", "ckpt", "th", "bin", "pth.tar", "PTH"] {
            #expect(ExportFormat(path: "a/b.\(ending)") == .pytorch)
        }
        #expect(ExportFormat(path: "a.safetensors") == .safetensors)
        for name in ["a.onnx", "a", "a.h5", "a.tar", "pth", "a.pth.zip"] {
            #expect(ExportFormat(path: name) == nil)
        }
    }

    /// The fixture's logits are PyTorch's in double precision, after a training step that updated
    /// the running statistics.
    @Test(arguments: ExportFormat.allCases)
    func whatIsExportedComesBackWithPyTorchsLogits(format: ExportFormat) throws {
        let (fixture, classifier) = try trained("t2fnorm")
        let expected = try #require(fixture.heads.first { $0.head == "t2fnorm" }).evaluation.logits
        try withTemporaryFolder { folder in
            try classifier.export(as: format, to: "\(folder)/m")
            let again = try ModelFile(path: "\(folder)/m").makeClassifier(.resnet18At32)
            let rows = try logits(again, images: fixture.images, count: fixture.imageCount)
            #expect(relativeError(rows.flatMap { $0 }, expected) < 1e-4)
        }
    }

    @Test(
        .enabled(
            if: TorchPython.isThere, "needs PyTorch and NumPy in the venv that T2FNORM_TORCH_VENV names"),
        arguments: ["t2fnorm", "linear"])
    func pytorchLoadsItStrictlyAndHasTheSameLogits(head: String) async throws {
        let (fixture, classifier) = try trained(head)
        try await withTemporaryFolder { folder in
            let file = "\(folder)/m.pth"
            try classifier.export(as: .pytorch, to: file)
            let output = try await TorchPython.run("load_exported.py", [file, "resnet18", head])
            let theirs = try JSONDecoder().decode([Double].self, from: Data(output.utf8))
            let own = try logits(classifier, images: fixture.images, count: fixture.imageCount).flatMap { $0 }
            #expect(own.count == theirs.count)
            for (a, b) in zip(own, theirs) { #expect(abs(Double(a) - b) < 1e-4 * max(1, abs(b))) }
        }
    }

    @Test func aFileThatCannotBeWrittenIsSaid() throws {
        let classifier = Classifier(.resnet20, head: .linear, classes: 2)
        let error = #expect(throws: ExchangeError.self) {
            try classifier.export(as: .pytorch, to: "/proc/no/such/folder/m")
        }
        let reason = try #require(error).reason
        #expect(reason.hasPrefix("could not be written: "), "\(reason)")
    }

    /// The network of the ResNet-18 fixture after the fixture's forward pass in training mode,
    /// which updates the running statistics.
    private func trained(_ head: String) throws -> (PyTorchFixture, Classifier) {
        let fixture = try PyTorchFixture(named: "resnet18")
        let kind = head == "linear" ? HeadKind.linear : .t2fnorm(temperature: fixture.temperature)
        let classifier = Classifier(.resnet18At32, head: kind, classes: 10, imageSize: fixture.imageSize)
        for (index, entry) in classifier.parameters.entries.enumerated() where entry.role != .batchCount {
            classifier.parameters.setElements(of: entry, to: fixture.values(ofEntry: index))
        }
        let samples = fixture.imageCount
        let context = StepContext(
            BatchPlacement(sampleCount: samples, microbatchSize: samples / 2), mode: .training,
            pool: WorkerPool(threads: 2))
        _ = try classifier.forward(images: Buffer(fixture.images, default: 0), context)
        return (fixture, classifier)
    }
}
