import Checkpoints
import Kernels
import Networks
import Testing

@Suite(.timeLimit(.minutes(30))) struct CheckpointTests {
    @Test(arguments: [HeadKind.linear, .t2fnorm(temperature: 0.1), .projection(outputs: 5)])
    func aClassifierComesBackFromItsSnapshot(head: HeadKind) throws {
        let classifier = Samples.classifier(head: head, classes: 7)
        let restored = try Samples.checkpoint(of: classifier).makeClassifier(path: "a.h5")
        #expect(restored.name == .resnet20)
        #expect(restored.classes == 7)
        #expect(restored.headKind == head)
        for entry in classifier.parameters.entries {
            #expect(
                restored.parameters.elements(of: entry) == classifier.parameters.elements(of: entry),
                "\(entry.name)")
        }
    }

    @Test func anUnknownNetworkIsNamed() throws {
        var checkpoint = Samples.checkpoint()
        checkpoint.network = "resnet21"
        let error = #expect(throws: CheckpointError.self) { try checkpoint.makeClassifier(path: "a.h5") }
        #expect(
            "\(try #require(error))" == "checkpoint a.h5: network 'resnet21' is unknown to this version")
    }

    @Test func pathsThatCannotComputeTheNetworkAreRefused() throws {
        var checkpoint = Samples.checkpoint()
        checkpoint.convolutions = .autotuned(
            algorithms: NetworkName.resnet20.convolutionShapes.map { .init(shape: $0, algorithm: .winograd) })
        let error = #expect(throws: CheckpointError.self) { try checkpoint.makeClassifier(path: "a.h5") }
        #expect(
            try #require(error).reason.hasPrefix(
                "contains convolution algorithms with which this version cannot compute a resnet20"))
    }

    @Test func anotherNetworkIsRefused() throws {
        let error = #expect(throws: CheckpointError.self) {
            try Samples.checkpoint().restore(Samples.classifier(.resnet32), path: "a.h5")
        }
        #expect("\(try #require(error))" == "checkpoint a.h5: holds a resnet20, expected a resnet32")
    }

    @Test func anotherNumberOfClassesIsRefusedAtItsTensor() throws {
        let classifier = Samples.classifier(classes: 100)
        let before = classifier.parameters.elements(of: classifier.parameters.entries[0])
        let error = #expect(throws: CheckpointError.self) {
            try Samples.checkpoint(of: Samples.classifier(classes: 10)).restore(classifier, path: "a.h5")
        }
        #expect(
            try #require(error).reason == "tensor 'linear.weight' has shape [10, 64], expected [100, 64]")
        #expect(classifier.parameters.elements(of: classifier.parameters.entries[0]) == before)
    }

    @Test func aTensorTooFewOrTooManyIsNamed() throws {
        var few = Samples.checkpoint()
        few.state.removeAll { $0.name == "bn1.running_var" }
        let missing = #expect(throws: CheckpointError.self) { try few.makeClassifier(path: "a.h5") }
        #expect(try #require(missing).reason == "tensor 'bn1.running_var' is missing")

        var many = Samples.checkpoint()
        many.state.append(Checkpoint.Tensor(name: "fc.weight", shape: [1], elements: [0]))
        let left = #expect(throws: CheckpointError.self) { try many.makeClassifier(path: "a.h5") }
        #expect(try #require(left).reason == "tensor 'fc.weight' is not one of resnet20")
    }
}
