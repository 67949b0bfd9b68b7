import Kernels
import Memory
import Networks
import TestSupport
import Testing

/// What PyTorch computes in float64 from the same parameters, images and labels.
///
/// PyTorch's own float32 gradients differ from it by 5e-6, those of ResNet-50 by 3e-5; no
/// pre-activation of these batches is so close to 0 that rounding changes its sign. The networks
/// for 224×224 images get smaller ones, whose maps have sides of 20, 10, 5, 3 and 2.
@Suite(.slow, .timeLimit(.minutes(30)))
struct PyTorchFixtureTests {
    private static let tolerance = 1e-4

    @Test(arguments: FixtureNetwork.all, ["t2fnorm", "linear"])
    func forwardLossAndAllGradientsMatch(network: FixtureNetwork, head: String) throws {
        let fixture = try PyTorchFixture(named: network.fixture)
        let expected = try #require(fixture.heads.first { $0.head == head })
        let model = classifier(
            network.name, head: headKind(head, temperature: fixture.temperature), fixture: fixture)
        let images = Buffer(fixture.images, default: 0)
        let samples = fixture.imageCount
        let training = context(samples: samples, microbatchSize: samples / 2, mode: .training)
        let report = try model.differentiate(images: images, labels: fixture.labels, training)

        let loss = stride(from: 0, to: report.values.count, by: 2).reduce(0) { $0 + report.values[$1] }
        #expect(abs(loss / Double(samples) - expected.loss) < Self.tolerance * expected.loss)
        expectGradients(of: model.parameters, fixture, expected)
        expectRunningStatistics(of: model.parameters, expected)

        let (features, logits) = try model.forward(
            images: images, context(samples: samples, microbatchSize: samples / 2, mode: .evaluation))
        let sampled = PyTorchFixture.samples(
            of: features.doubles, count: expected.evaluation.features.count)
        #expect(relativeError(sampled, expected.evaluation.features) < Self.tolerance)
        #expect(relativeError(logits, expected.evaluation.logits) < Self.tolerance)
    }

    @Test(arguments: FixtureNetwork.all, ["t2fnorm", "linear"])
    func featuresAndLogitsOfATrainingPassMatch(network: FixtureNetwork, head: String) throws {
        let fixture = try PyTorchFixture(named: network.fixture)
        let expected = try #require(fixture.heads.first { $0.head == head })
        let model = classifier(
            network.name, head: headKind(head, temperature: fixture.temperature), fixture: fixture)
        let samples = fixture.imageCount
        let (features, logits) = try model.forward(
            images: Buffer(fixture.images, default: 0),
            context(samples: samples, microbatchSize: 2, mode: .training))
        let sampled = PyTorchFixture.samples(of: features.doubles, count: expected.features.count)
        #expect(relativeError(sampled, expected.features) < Self.tolerance)
        #expect(relativeError(logits, expected.logits) < Self.tolerance)
    }

    private func expectGradients(
        of store: ParameterStore, _ fixture: PyTorchFixture, _ expected: PyTorchFixture.Head
    ) {
        let parameters = store.entries.filter { $0.role == .parameter }
        #expect(parameters.map(\.name) == expected.gradients.map(\.name))
        for (entry, gradient) in zip(parameters, expected.gradients) {
            let own = store.gradientElements(of: entry).doubles
            #expect(fixture.relativeError(of: own, to: gradient) < Self.tolerance, "\(entry.name)")
        }
    }

    private func expectRunningStatistics(of store: ParameterStore, _ expected: PyTorchFixture.Head) {
        #expect(store.batchCount == 1)
        let statistics = store.entries.filter { $0.role == .statistic }
        #expect(statistics.map(\.name) == expected.runningStatistics.map(\.name))
        for (entry, statistic) in zip(statistics, expected.runningStatistics) {
            let own = PyTorchFixture.samples(
                of: store.elements(of: entry).doubles, count: statistic.samples.count)
            #expect(relativeError(own, statistic.samples) < Self.tolerance, "\(entry.name)")
        }
    }
}
