import Cluster
import Detection
import Foundation
import Inference
import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// Reference values from PyTorch, written by `Tests/Fixtures/make_network_score_fixtures.py`.
struct NetworkScoreFixture: Decodable {
    struct Case: Decodable, CustomTestStringConvertible {
        let network: String, head: String
        let imageSize: Int
        /// The factor that the running variances are multiplied by.
        let varianceScale: Float
        let confidences: [String: [Double]]

        var testDescription: String { network }
    }

    let cases: [Case]

    static func load() throws -> NetworkScoreFixture {
        try JSONDecoder().decode(Self.self, from: fixtureData(named: "network_score_fixtures"))
    }
}

/// A small network with a fixture's parameters, two ensemble members with half and twice its
/// running variances, and random images: 120 training images, 20 validation images and 4 queries.
final class NetworkExample {
    enum Images: Int {
        case training = 600_000
        case validation, queries

        var count: Int {
            switch self {
            case .training: 120
            case .validation: 20
            case .queries: 4
            }
        }
    }

    static let microbatchSize = 8

    let network: InspectedNetwork
    let head: ScoringHead
    private let classifier: Classifier
    private let imageSize: Int
    private let pool = WorkerPool(threads: 2)

    convenience init(_ example: NetworkScoreFixture.Case) throws {
        try self.init(
            example.network, head: example.head, imageSize: example.imageSize,
            varianceScale: example.varianceScale)
    }

    init(
        _ name: String = "resnet20", head: String = "t2fnorm", imageSize: Int = 16, varianceScale: Float = 1
    ) throws {
        let fixture = try PyTorchFixture(named: name)
        let classifier = { (varianceScale: Float) in
            let classifier = Classifier(
                name == "resnet20" ? .resnet20 : .resnet18At224,
                head: head == "t2fnorm" ? .t2fnorm(temperature: 0.1) : .linear, classes: 10,
                imageSize: imageSize)
            for (index, entry) in classifier.parameters.entries.enumerated() where entry.role != .batchCount {
                let scale = entry.name.hasSuffix("running_var") ? varianceScale : 1
                classifier.parameters.setElements(
                    of: entry, to: fixture.values(ofEntry: index).map { $0 * scale })
            }
            return classifier
        }
        self.classifier = classifier(varianceScale)
        let last = self.classifier.lastLayer
        self.head = ScoringHead(
            weights: last.weights, bias: last.bias, temperature: head == "t2fnorm" ? 0.1 : nil)
        self.imageSize = imageSize
        network = InspectedNetwork(
            self.classifier, deviation: [0.247, 0.2435, 0.2616], microbatchSize: Self.microbatchSize,
            pool: pool,
            members: [0.5, 2].map { classifier(varianceScale * $0) })
    }

    /// The number of floats in an image.
    var imageCount: Int { imageSize * imageSize * 3 }

    func images(_ images: Images, _ records: Range<Int>) -> [Float] {
        Array(
            testValues(count: images.count * imageCount, stream: images.rawValue, scale: 1.5)[
                records.lowerBound * imageCount..<records.upperBound * imageCount])
    }

    /// Features, logits and labels of some images; record `i` has label `i` mod 10.
    func shard(of images: [Float], first: Int = 0) throws -> FeatureShard {
        var shard = FeatureShard(head: head, microbatchSize: Self.microbatchSize)
        let count = images.count / imageCount
        guard count > 0 else { return shard }
        let (features, _) = try classifier.forward(
            images: Buffer(images, default: 0),
            StepContext(
                BatchPlacement(sampleCount: count, microbatchSize: Self.microbatchSize), mode: .evaluation,
                pool: pool))
        shard.add(
            features: features, logits: logits(of: features, head),
            labels: (first..<first + count).map { Int32($0 % 10) })
        return shard
    }

    /// Reads images in batches of two microbatches.
    func pass(over images: [Float], first: Int = 0) -> ImagePass {
        ImagePass(network, firstRecord: first) { try self.forEachBatch(of: images, $0) }
    }

    func forEachBatch(of images: [Float], _ body: ImagePass.Body) throws {
        let size = 2 * Self.microbatchSize * imageCount
        for start in stride(from: 0, to: images.count, by: size) {
            let end = min(start + size, images.count)
            try body(Buffer(images[start..<end], default: 0), (end - start) / imageCount)
        }
    }

    /// A context with some records of the sets.
    func fit(
        training: Range<Int> = 0..<120, validation: Range<Int> = 0..<20,
        on communicator: any Communicator = LocalCommunicator()
    ) throws -> FitContext {
        let (first, second) = (images(.training, training), images(.validation, validation))
        return try FitContext(
            head: head, training: shard(of: first, first: training.lowerBound),
            validation: shard(of: second, first: validation.lowerBound),
            trainingImages: pass(over: first, first: training.lowerBound),
            validationImages: pass(over: second, first: validation.lowerBound), communicator: communicator)
    }

    /// The confidences and predictions of some images.
    func evaluate(_ score: any Score, _ images: [Float]) throws -> ScoredSamples {
        let shard = try shard(of: images)
        let input = ScoreInput(features: shard.features.span, logits: shard.logits.span, head: head)
        guard let probe = score.probe else { return score.evaluate(input) }
        let captured = try network.capture(probe, images: Buffer(images, default: 0), input)
        return score.evaluate(
            ScoreInput(
                features: shard.features.span, logits: shard.logits.span, head: head, captured: captured.span)
        )
    }

    func evaluateQueries(_ score: any Score, _ records: Range<Int> = 0..<4) throws -> ScoredSamples {
        try evaluate(score, images(.queries, records))
    }
}
