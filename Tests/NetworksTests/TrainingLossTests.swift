import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// The gradients of a whole pass are those of the loss that it reports.
@Suite(.timeLimit(.minutes(30)))
struct TrainingLossTests {
    private static let labels: [Int32] = [3, 1, 4, 1, 5, 9]
    private static let mixture = BatchTargets.Mixture(
        partners: [2, 7, 1, 8, 2, 8], shares: [0.3, 0.6, 1, 0.9, 0, 0.5])

    @Test(arguments: [
        (TrainingLoss.crossEntropy, false), (TrainingLoss(smoothing: 0.1), false),
        (TrainingLoss(logitTemperature: 0.04), false), (.crossEntropy, true),
        (TrainingLoss(logitTemperature: 0.5, smoothing: 0.2), true),
    ])
    func gradientsOfTheLastLayerMatchFiniteDifferences(loss: TrainingLoss, isMixed: Bool) throws {
        let model = Classifier(.resnet20, head: .linear, classes: 10, imageSize: 8)
        model.parameters.initialize(seed: 3)
        let targets = BatchTargets(Self.labels, mixture: isMixed ? Self.mixture : nil)
        let last = Array(model.parameters.entries.suffix(2))
        _ = try Self.loss(model, targets, loss)
        let gradients = model.parameters.gradients.copyToArray()
        // The features do not depend on the last layer, so its logits are exact to single
        // precision.
        for (entry, element) in [(last[0], 0), (last[0], 100), (last[1], 1), (last[1], 8)] {
            let values = model.parameters.elements(of: entry)
            let moved = try [Float(0.01), -0.01].map { step in
                var own = values
                own[element] += step
                model.parameters.setElements(of: entry, to: own)
                return try Self.loss(model, targets, loss)
            }
            model.parameters.setElements(of: entry, to: values)
            let expected = (moved[0] - moved[1]) / 0.02
            let found = Double(gradients[entry.range.lowerBound + element])
            #expect(abs(found - expected) < 2e-3 * max(abs(expected), 0.05), "\(entry.name)[\(element)]")
        }
    }

    @Test func withoutSmoothingOrMixingItIsTheCrossEntropyToTheBit() throws {
        let (one, other) = (Self.model(), Self.model())
        let report = try one.differentiate(images: Self.images, labels: Self.labels, Self.context)
        let again = try other.differentiate(
            images: Self.images, targets: BatchTargets(Self.labels), loss: .crossEntropy, Self.context)
        #expect(report == again)
        #expect(
            firstDifferentBits(
                one.parameters.gradients.copyToArray(), other.parameters.gradients.copyToArray()) == nil)
    }

    private static func model() -> Classifier {
        let model = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, imageSize: 8)
        model.parameters.initialize(seed: 3)
        return model
    }

    private static var images: Buffer<Float> {
        Buffer(testValues(count: 6 * 8 * 8 * 3, stream: 1, scale: 1.5), default: 0)
    }

    private static var context: StepContext {
        NetworksTests.context(samples: 6, microbatchSize: 4, mode: .training)
    }

    private static func loss(
        _ model: Classifier, _ targets: BatchTargets, _ loss: TrainingLoss
    ) throws -> Double {
        let report = try model.differentiate(images: images, targets: targets, loss: loss, context)
        return stride(from: 0, to: report.values.count, by: 2).reduce(0) { $0 + report.values[$1] } / 6
    }
}
