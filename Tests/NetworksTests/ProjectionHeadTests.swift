import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// The projection head and its loss over all pairs of a batch, in a whole network.
@Suite(.slow, .timeLimit(.minutes(30)))
struct ProjectionHeadTests {
    private static let samples = 22
    private static let microbatchSize = 4
    private static let labels = testLabels(count: samples, classes: 5, stream: 2)

    @Test func itsParametersAreOpenOODs() {
        let entries = Self.model().parameters.entries.suffix(4)
        #expect(entries.map(\.name) == ["head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias"])
        #expect(entries.map(\.shape) == [[64, 64], [64], [16, 64], [16]])
    }

    /// The report's mean is the loss of the plain head's outputs, and the head's gradients are its
    /// finite differences with fixed weights of the pairs.
    @Test func lossAndGradientsAreThePlainHeads() throws {
        let model = Self.model()
        let features = try Self.features(model)
        let head = model.parameters.entries.suffix(4).map { model.parameters.elements(of: $0).doubles }
        let outputs = Self.outputs(features, head)
        let weights = plainPairWeights(outputs, Self.labels, dimension: 16)
        let loss = { (head: [[Double]]) in
            plainReweightedLoss(Self.outputs(features, head), Self.labels, weights, dimension: 16)
        }
        let report = try Self.step(model, threads: 2)
        let reported = stride(from: 0, to: report.values.count, by: 2).reduce(0) { $0 + report.values[$1] }
        #expect(abs(reported / Double(Self.samples) - loss(head)) < 2e-5)
        #expect(stride(from: 1, to: report.values.count, by: 2).allSatisfy { report.values[$0] == 0 })
        for (index, entry) in model.parameters.entries.suffix(4).enumerated() {
            let gradient = model.parameters.gradientElements(of: entry)
            let scale = gradient.map { abs($0) }.max() ?? 0
            for element in [0, 7, entry.count - 1] {
                let moved = [1e-5, -1e-5].map { step in
                    var own = head
                    own[index][element] += step
                    return loss(own)
                }
                let expected = (moved[0] - moved[1]) / 2e-5
                #expect(
                    abs(Double(gradient[element]) - expected) < 2e-4 * Double(scale),
                    "\(entry.name)[\(element)]")
            }
        }
    }

    @Test(arguments: [1, 2, 4, 8], [1, 2])
    func worldsAndThreadsGiveTheSameBits(worldSize: Int, threads: Int) throws {
        let one = Self.model()
        let report = try Self.step(one, threads: 1)
        let ranks = try ThreadedWorld.run(size: worldSize) { rank, world in
            let model = Self.model()
            let context = StepContext(
                BatchPlacement(
                    sampleCount: Self.samples, microbatchSize: Self.microbatchSize, rank: rank,
                    worldSize: worldSize),
                mode: .training, pool: WorkerPool(threads: threads),
                sumAcrossRanks: { world.sumAcrossRanks(&$0, rank: rank) })
            let samples = context.placement.samples
            let report = try model.differentiate(
                images: Self.images(samples), targets: BatchTargets(Array(Self.labels[samples])),
                loss: .reweightOOD, context)
            return (report.values, model.parameters.gradients.copyToArray())
        }
        #expect(ranks.flatMap(\.0) == report.values)
        let sum = plainTreeSum(ranks.map(\.1))
        #expect(firstDifferentBits(sum, one.parameters.gradients.copyToArray()) == nil)
    }

    /// Three ranks add up the sums of pairs in another order.
    @Test func aWorldOfThreeAgreesToRounding() throws {
        let report = try Self.step(Self.model(), threads: 1)
        let ranks = try ThreadedWorld.run(size: 3) { rank, world in
            let context = StepContext(
                BatchPlacement(
                    sampleCount: Self.samples, microbatchSize: Self.microbatchSize, rank: rank, worldSize: 3),
                mode: .training, pool: WorkerPool(threads: 1),
                sumAcrossRanks: { world.sumAcrossRanks(&$0, rank: rank) })
            let samples = context.placement.samples
            return try Self.model().differentiate(
                images: Self.images(samples), targets: BatchTargets(Array(Self.labels[samples])),
                loss: .reweightOOD, context
            ).values
        }
        #expect(relativeError(ranks.flatMap(\.self), report.values) < 1e-5)
    }

    @Test func scoresSeeFeaturesOfLengthOneAndNoLogits() throws {
        let model = Self.model()
        let linear = Classifier(.resnet20, head: .linear, classes: 5)
        linear.parameters.initialize(seed: 3)
        let evaluation = context(samples: 6, microbatchSize: 4, mode: .evaluation)
        let (features, logits) = try model.forward(images: Self.images(0..<6), evaluation)
        let (raw, _) = try linear.forward(images: Self.images(0..<6), evaluation)
        #expect(logits.isEmpty && features.count == 6 * 64)
        for sample in 0..<6 {
            let row = raw[sample * 64..<(sample + 1) * 64].doubles
            let norm = euclideanNorm(row)
            #expect(
                relativeError(Array(features[sample * 64..<(sample + 1) * 64]), row.map { $0 / norm }) < 1e-6)
        }
    }

    // MARK: -

    private static func model() -> Classifier {
        let model = Classifier(.resnet20, head: .projection(outputs: 16), classes: 5)
        model.parameters.initialize(seed: 3)
        return model
    }

    private static func images(_ range: Range<Int>) -> Buffer<Float> {
        let all = testValues(count: samples * 3072, stream: 1, scale: 1.5)
        return Buffer(all[range.lowerBound * 3072..<range.upperBound * 3072], default: 0)
    }

    private static func step(_ model: Classifier, threads: Int) throws -> Classifier.MicrobatchReport {
        try model.differentiate(
            images: images(0..<samples), targets: BatchTargets(labels), loss: .reweightOOD,
            context(samples: samples, microbatchSize: microbatchSize, mode: .training, threads: threads))
    }

    /// Unnormalised features with batch statistics, computed by a network that is the same below
    /// its head.
    private static func features(_ model: Classifier) throws -> [Double] {
        let linear = Classifier(.resnet20, head: .linear, classes: 5)
        for (entry, other) in zip(linear.parameters.entries, model.parameters.entries)
        where entry.name == other.name && entry.role != .batchCount {
            linear.parameters.setElements(of: entry, to: model.parameters.elements(of: other))
        }
        return try linear.forward(
            images: images(0..<samples),
            context(samples: samples, microbatchSize: microbatchSize, mode: .training)
        ).features.doubles
    }

    /// Shape `[N, 16]`, not divided by their norm.
    private static func outputs(_ features: [Double], _ head: [[Double]]) -> [Double] {
        let hidden = layer(features, head[0], head[1]).map { max($0, 0) }
        return layer(hidden, head[2], head[3])
    }

    private static func layer(_ input: [Double], _ weights: [Double], _ bias: [Double]) -> [Double] {
        let inputs = weights.count / bias.count
        return stride(from: 0, to: input.count, by: inputs).flatMap { start in
            bias.indices.map { k in
                bias[k]
                    + innerProduct(
                        Array(input[start..<start + inputs]), Array(weights[k * inputs..<(k + 1) * inputs]))
            }
        }
    }
}
