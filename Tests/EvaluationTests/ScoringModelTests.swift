import Checkpoints
import Datasets
import Detection
import Evaluation
import Failures
import Foundation
import Networks
import RunConfiguration
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct ScoringModelTests {
    /// Calls `body` with the checkpoint of a ResNet-20 with initial weights, and the network.
    private func withModel(
        head: HeadConfiguration.Name = .linear, _ body: (_ path: String, _ network: Classifier) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            var configuration = RunConfiguration()
            configuration.network.name = "resnet20"
            configuration.head.name = head
            configuration.data.train = "unknown"
            if head == .projection {
                configuration.loss.name = .reweightOOD
                configuration.evaluation.scores = ["knn"]
            }
            let kind: HeadKind =
                switch head {
                case .linear: .linear
                case .t2fnorm: .t2fnorm(temperature: 0.1)
                case .projection: .projection(outputs: 128)
                }
            let network = Classifier(.resnet20, head: kind, classes: 10, seed: 3)
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.saveBest(network, configuration: configuration.yaml)
            try body(store.bestPath, network)
        }
    }

    /// Images of 32×32 pixels with other values each.
    private func images(_ count: Int) -> [RGBImage] {
        (0..<count).map { image in
            RGBImage(
                width: 32, height: 32,
                bytes: (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* (2 * image + 7) &+ $0 / 96) })
        }
    }

    /// The logits of an image, from the network's outputs of plainly normalised pixels.
    private func logits(_ image: RGBImage, _ network: Classifier) throws -> [Double] {
        let transform = RunConfiguration().data.transform
        let values = image.bytes.indices.map { i in
            Float((Double(image.bytes[i]) / 255 - transform.mean[i % 3]) / transform.standardDeviation[i % 3])
        }
        return try network.outputs(of: values).logits.map(Double.init)
    }

    @Test func confidencesAreThoseOfTheNetworksLogits() throws {
        try withModel { path, network in
            let model = try ScoringModel(checkpoint: path)
            #expect(model.classCount == 10)
            let images = images(3)
            let scores: [ScoreDefinition] = [.msp, .mls, .ebo]
            let found = try scores.map { try model.confidences(of: images, by: $0) }
            for (i, image) in images.enumerated() {
                let logits = try logits(image, network)
                let largest = logits.max()!
                let sum = logits.reduce(0) { $0 + Foundation.exp($1 - largest) }
                let expected = [1 / sum, largest, largest + Foundation.log(sum)]
                for (score, expected) in zip(scores.indices, expected) {
                    #expect(abs(found[score][i] - expected) <= 1e-4 * max(1, abs(expected)))
                }
            }
            #expect(found[1][0] != found[1][1])
        }
    }

    @Test func anImagesConfidenceDependsOnThatImageAlone() throws {
        try withModel(head: .t2fnorm) { path, _ in
            let images = images(5)
            let together = try ScoringModel(checkpoint: path, threads: 2).confidences(of: images, by: .ebo)
            let model = try ScoringModel(checkpoint: path, threads: 1)
            let alone = try images.reversed().map { try model.confidences(of: [$0], by: .ebo)[0] }
            #expect(together == alone.reversed())
        }
    }

    @Test func aScoreThatIsFittedOnDataIsRefused() throws {
        try withModel { path, _ in
            let model = try ScoringModel(checkpoint: path)
            let error = try #require(throws: ConfigurationError.self) {
                try model.confidences(of: images(1), by: .knn)
            }
            #expect(
                error.description
                    == "score is knn, expected a score that is not fitted on data; 't2fnorm score' fits on the run's sets"
            )
        }
    }

    @Test func aNetworkWithoutLogitsHasScoresOfFeaturesAlone() throws {
        try withModel(head: .projection) { path, _ in
            let model = try ScoringModel(checkpoint: path)
            let error = try #require(throws: ConfigurationError.self) {
                try model.confidences(of: images(1), by: .msp)
            }
            #expect(error.key == "score")
            #expect(error.description.contains("\(path) has a projection head and no logits"))
        }
    }

    @Test func aFileThatCannotBeReadIsNamedWithTheExitCodeOfCheckpoints() throws {
        try withModel { path, _ in
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[bytes.count / 2] ^= 16
            try bytes.write(to: URL(filePath: path))
            for file in [path, "\(path).missing"] {
                let error = #expect(throws: (any Error).self) { try ScoringModel(checkpoint: file) }
                let coded = try #require(error as? any CodedError)
                #expect(coded.exitCode == 5)
                #expect(coded.description.contains(file))
            }
        }
    }
}
