import Foundation
import Kernels
import Memory
import Networks
import TestSupport
import Testing

/// What PyTorch computed for images in evaluation mode; written by
/// `Tests/Fixtures/make_network_score_fixtures.py`.
private struct ImageGradientFixture: Decodable {
    struct Case: Decodable {
        let network: String, head: String
        let imageSize: Int
        /// Factor of the running variances.
        let varianceScale: Float
        let gradientNorm: Double
        /// Evenly spaced elements of the gradient of the largest logit, in NHWC order.
        let gradient: [Double]
    }

    let cases: [Case]
}

private let networks: [(name: NetworkName, fixture: String, size: Int)] = [
    (.resnet20, "resnet20", 16), (.resnet18At32, "resnet18", 16), (.resnet18At224, "resnet18_224x224", 40),
    (.resnet50, "resnet50", 40), (.wideResNet40x2, "wideresnet40_2", 16),
    (.resnet18BlurPool, "resnet18_blurpool", 40),
]

private func model(_ index: Int, head: String = "linear", varianceScale: Float = 1) throws -> Classifier {
    let (name, fixtureName, size) = networks[index]
    let fixture = try PyTorchFixture(named: fixtureName)
    let model = Classifier(name, head: headKind(head, temperature: 0.1), classes: 10, imageSize: size)
    for (index, entry) in model.parameters.entries.enumerated() where entry.role != .batchCount {
        let scale = entry.name.hasSuffix("running_var") ? varianceScale : 1
        model.parameters.setElements(of: entry, to: fixture.values(ofEntry: index).map { $0 * scale })
    }
    return model
}

private func images(_ count: Int, size: Int) -> [Float] {
    testValues(count: count * size * size * 3, stream: 600_002, scale: 1.5)
}

@Suite(.slow, .timeLimit(.minutes(30))) struct InspectionTests {
    @Test(arguments: networks.indices)
    func featuresAreThoseOfEvaluation(index: Int) throws {
        let model = try model(index)
        let images = Buffer(images(3, size: networks[index].size), default: 0)
        let expected = try model.forward(
            images: images, context(samples: 3, microbatchSize: 2, mode: .evaluation))
        let found = try model.features(
            images: images, context(samples: 3, microbatchSize: 2, mode: .inspection), observing: { _ in })
        #expect(relativeError(found, expected.features.doubles) < 1e-5)
    }

    /// A step of length 0.02 along the gradient itself and one along a random direction; ReLUs that
    /// turn on or off within the step limit the accuracy.
    @Test(arguments: networks.indices)
    func theGradientOfImagesIsThatOfFiniteDifferences(index: Int) throws {
        // With unscaled variances, hardly any signal of an image reaches the end of the large
        // networks.
        let model = try model(index, varianceScale: index < 2 ? 1 : 0.125)
        let values = images(2, size: networks[index].size)
        let weights = testValues(count: 2 * model.featureDimension, stream: 9)
        let inspection = context(samples: 2, microbatchSize: 2, mode: .inspection)
        let (_, gradient) = try model.imageGradient(
            images: Buffer(values, default: 0), inspection, featureGradient: { _ in weights })
        for direction in [gradient, testValues(count: values.count, stream: 10)] {
            let length = euclideanNorm(direction.doubles)
            let step = Float(0.02 / length)
            let sides = try [step, -step].map { step in
                let moved = zip(values, direction).map { $0 + step * $1 }
                let features = try model.forward(
                    images: Buffer(moved, default: 0),
                    context(samples: 2, microbatchSize: 2, mode: .evaluation)
                ).features
                return innerProduct(features.doubles, weights.doubles)
            }
            let expected = innerProduct(gradient.doubles, direction.doubles) / length
            let slope = (sides[0] - sides[1]) / 0.04
            #expect(abs(slope - expected) <= 2e-2 * euclideanNorm(gradient.doubles))
        }
    }

    @Test func theGradientOfImagesIsPyTorchs() throws {
        let fixture = try JSONDecoder().decode(
            ImageGradientFixture.self, from: fixtureData(named: "network_score_fixtures"))
        #expect(fixture.cases.count == 2)
        for example in fixture.cases {
            let index = try #require(networks.firstIndex { $0.fixture == example.network })
            let model = try model(
                index, head: example.head, varianceScale: example.varianceScale)
            let scale: Float = example.head == "t2fnorm" ? 0.1 : 1
            let (weights, bias) = model.lastLayer
            let dimension = model.featureDimension
            let (_, gradient) = try model.imageGradient(
                images: Buffer(images(4, size: example.imageSize), default: 0),
                context(samples: 4, microbatchSize: 2, mode: .inspection)
            ) { features in
                (0..<4).flatMap { sample in
                    let logits = (0..<10).map { k in
                        (0..<dimension).reduce(Double(bias[k])) {
                            $0
                                + Double(
                                    features[sample * dimension + $1] * weights[k * dimension + $1] / scale)
                        }
                    }
                    let best = logits.firstIndex(of: logits.max()!)!
                    return weights[best * dimension..<(best + 1) * dimension].map { $0 / scale }
                }
            }
            #expect(abs(euclideanNorm(gradient.doubles) - example.gradientNorm) < 1e-4 * example.gradientNorm)
            let step = gradient.count / 64
            let sampled = stride(from: 0, to: gradient.count, by: step).map { Double(gradient[$0]) }
            #expect(relativeError(sampled, example.gradient) < 1e-4)
        }
    }

    /// Counts of the original's modules: ResNet-18 has 20 convolutions, and 17 ReLUs if those are
    /// modules; ResNet-50 has 53 and 49, WideResNet-40-2 has 40 and 37.
    @Test(arguments: zip(networks.indices, [(19, 0), (20, 0), (20, 17), (53, 49), (40, 37), (20, 17)]))
    func everyLayerIsShownOnce(index: Int, expected: (Int, Int)) throws {
        let model = try model(index)
        var (convolutions, relus, stages): (Int, Int, [Int]) = (0, 0, [])
        var channels: [Int] = []
        _ = try model.features(
            images: Buffer(images(1, size: networks[index].size), default: 0),
            context(samples: 1, microbatchSize: 1, mode: .inspection)
        ) { layer in
            switch layer.kind {
            case .convolution: convolutions += 1
            case .relu: relus += 1
            case .stage(let stage): stages.append(stage)
            }
            if case .stage(let stage) = layer.kind {
                #expect(model.mapShape(ofStage: stage) == (layer.channels, layer.positions))
            } else {
                channels.append(layer.channels)
            }
            let map = layer.map(ofSample: 0)
            #expect(map.count == layer.channels * layer.positions)
            if layer.kind == .relu { #expect(map.allSatisfy { $0 >= 0 }) }
        }
        #expect(convolutions == expected.0)
        #expect((model.hasReLUModules ? relus : 0) == expected.1)
        #expect(stages == Array(0...model.stageCount))
        #expect(channels == model.observedChannels(relus: true))
    }

    @Test(arguments: networks.indices)
    func aStagesOwnMapGivesTheSameFeatures(index: Int) throws {
        let model = try model(index)
        let images = Buffer(images(3, size: networks[index].size), default: 0)
        var maps = [[Float]](repeating: [], count: model.stageCount + 1)
        let features = try model.features(
            images: images, context(samples: 3, microbatchSize: 2, mode: .evaluation)
        ) {
            guard case .stage(let stage) = $0.kind else { return }
            for sample in 0..<3 { maps[stage] += $0.map(ofSample: sample) }
        }
        for stage in 1...model.stageCount {
            let again = try model.features(
                ofMap: Buffer(maps[stage], default: 0), afterStage: stage,
                context(samples: 3, microbatchSize: 2, mode: .evaluation))
            #expect(again == features)
        }
    }

    @Test func aSamplesGradientDoesNotDependOnItsBatch() throws {
        let model = try model(0)
        let values = images(5, size: 16)
        let weights = testValues(count: model.featureDimension, stream: 9)
        let gradient = { (samples: Range<Int>) in
            try model.imageGradient(
                images: Buffer(values[samples.lowerBound * 768..<samples.upperBound * 768], default: 0),
                context(samples: samples.count, microbatchSize: 8, mode: .inspection)
            ) { _ in samples.flatMap { _ in weights } }.gradient
        }
        let together = try gradient(0..<5)
        for sample in 0..<5 {
            #expect(try gradient(sample..<sample + 1) == Array(together[sample * 768..<(sample + 1) * 768]))
        }
    }

    @Test func trainingGoesOnAsIfNothingHadBeenLookedAt() throws {
        let labels: [Int32] = [1, 2, 3, 4]
        let values = images(4, size: 16)
        let step = { (model: Classifier) in
            let report = try model.differentiate(
                images: Buffer(values, default: 0), labels: labels,
                context(samples: 4, microbatchSize: 2, mode: .training))
            return (report, model.parameters.entries.map { model.parameters.elements(of: $0) })
        }
        let (plain, looked) = (try model(0), try model(0))
        let weights = testValues(count: 2 * looked.featureDimension, stream: 9)
        for _ in 0..<2 {
            let expected = try step(plain)
            _ = try looked.imageGradient(
                images: Buffer(Array(values.prefix(2 * 768)), default: 0),
                context(samples: 2, microbatchSize: 2, mode: .inspection), featureGradient: { _ in weights })
            let found = try step(looked)
            #expect(found.0 == expected.0)
            #expect(found.1 == expected.1)
        }
    }
}
