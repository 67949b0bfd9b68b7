package import Foundation

/// PyTorch's results for one network; written by `Tests/Fixtures/make_pytorch_fixtures.py`.
package struct PyTorchFixture: Decodable, Sendable {
    /// The distribution of one state-dict entry; its position is the random stream.
    package struct Entry: Decodable, Sendable {
        package let name: String, shape: [Int], scale: Float, offset: Float

        package var count: Int { shape.reduce(1, *) }
    }

    /// A bias that replaces the drawn one, to keep pre-activations away from 0.
    package struct Nudge: Decodable, Sendable {
        package let entry: Int, channel: Int, value: Float

        package init(from decoder: any Decoder) throws {
            var parts = try decoder.unkeyedContainer()
            entry = try parts.decode(Int.self)
            channel = try parts.decode(Int.self)
            value = try parts.decode(Float.self)
        }
    }

    /// A parameter's gradient, in PyTorch's element order.
    package struct Gradient: Decodable, Sendable {
        package let name: String, norm: Double, samples: [Double], dotProducts: [Double]
    }

    /// A running mean or variance after one training step's forward pass.
    package struct RunningStatistic: Decodable, Sendable {
        package let name: String, samples: [Double]
    }

    /// Evaluation of the same images with the running statistics after that forward pass.
    package struct Evaluation: Decodable, Sendable {
        package let features: [Double], logits: [Double], scoringLogits: [Double]
    }

    /// `t2fnorm` or `linear`, with its results.
    package struct Head: Decodable, Sendable {
        package let head: String, features: [Double], logits: [Double], loss: Double
        package let gradients: [Gradient]
        package let runningStatistics: [RunningStatistic]
        package let evaluation: Evaluation
    }

    package let parameterCount: Int
    package let imageCount: Int, imageSize: Int
    package let imageStream: Int, labelStream: Int
    package let imageScale: Float
    /// The share of elements that dropout layers set to 0.
    package let dropoutRate: Double?
    package let temperature: Float
    package let nudges: [Nudge]
    package let entries: [Entry]
    package let heads: [Head]

    /// Reads `Tests/Fixtures/<name>.json`, for example `resnet18`.
    package init(named name: String) throws {
        self = try JSONDecoder().decode(Self.self, from: fixtureData(named: name))
    }

    /// The values of entry `index`, in PyTorch's element order.
    package func values(ofEntry index: Int) -> [Float] {
        let entry = entries[index]
        var values = testValues(
            count: entry.count, stream: index, scale: entry.scale, offset: entry.offset)
        for nudge in nudges where nudge.entry == index { values[nudge.channel] = nudge.value }
        return values
    }

    /// The images, `[N, imageSize, imageSize, 3]`.
    package var images: [Float] {
        testValues(count: imageCount * imageSize * imageSize * 3, stream: imageStream, scale: imageScale)
    }

    /// The labels of the images.
    package var labels: [Int32] { testLabels(count: imageCount, classes: 10, stream: labelStream) }

    /// The relative error of a gradient in PyTorch's element order: the largest over norm, samples
    /// and projections.
    package func relativeError(of gradient: [Double], to expected: Gradient) -> Double {
        let stream = 500_000 + (entries.firstIndex { $0.name == expected.name } ?? entries.count)
        let samples = Self.samples(of: gradient, count: expected.samples.count)
        let projections = expected.dotProducts.enumerated().map { j, value in
            abs(innerProduct(gradient, testSigns(count: gradient.count, stream: stream, minor: j)) - value)
        }
        let norm = abs(euclideanNorm(gradient) - expected.norm)
        return max(
            TestSupport.relativeError(samples, expected.samples),
            (projections + [norm]).reduce(0, max) / expected.norm)
    }

    /// `count` evenly spaced values: position `(2j + 1) n / 2 count`.
    package static func samples(of values: [Double], count: Int) -> [Double] {
        (0..<count).map { values[(2 * $0 + 1) * values.count / (2 * count)] }
    }
}

/// The losses of PyTorch's SGD over some steps, with the initial network of `PyTorchFixture`.
package struct PyTorchDescent: Decodable, Sendable {
    package struct Run: Decodable, Sendable {
        package let head: String
        package let batchSize: Int
        package let learningRate: Double, minimumLearningRate: Double
        package let totalSteps: Int
        package let momentum: Double, weightDecay: Double
        /// Step `s` draws images and labels from these streams plus `s` modulo `batches`.
        package let imageStream: Int, labelStream: Int, batches: Int
        package let losses: [Double]

        /// The images of step `step`, `[batchSize, 32, 32, 3]`.
        package func images(ofStep step: Int, scale: Float) -> [Float] {
            testValues(count: batchSize * 32 * 32 * 3, stream: imageStream + step % batches, scale: scale)
        }

        /// The labels of step `step`.
        package func labels(ofStep step: Int) -> [Int32] {
            testLabels(count: batchSize, classes: 10, stream: labelStream + step % batches)
        }
    }

    package let descents: [Run]

    /// Reads `Tests/Fixtures/<name>-descent.json`.
    package init(named name: String) throws {
        self = try JSONDecoder().decode(Self.self, from: fixtureData(named: "\(name)-descent"))
    }
}

/// A whole training run of PyTorch on a few images, with the initial network of `PyTorchFixture`.
package struct PyTorchRun: Decodable, Sendable {
    package struct Step: Decodable, Sendable {
        package let loss: Double, accuracy: Double, learningRate: Double
    }

    package struct Epoch: Decodable, Sendable {
        package let loss: Double, accuracy: Double, validationAccuracy: Double
    }

    /// `t2fnorm` or `linear`.
    package let head: String
    package let imageStream: Int, labelStream: Int, imageCount: Int
    package let validationImageStream: Int, validationLabelStream: Int, validationCount: Int
    package let batchSize: Int, epochCount: Int
    package let learningRate: Double, minimumLearningRate: Double, momentum: Double, weightDecay: Double
    package let steps: [Step]
    package let epochs: [Epoch]
    /// Counted from 1; the latest for ties.
    package let bestEpoch: Int

    /// Reads `Tests/Fixtures/<name>-run.json`.
    package static func all(named name: String) throws -> [PyTorchRun] {
        struct File: Decodable { let runs: [PyTorchRun] }
        return try JSONDecoder().decode(File.self, from: fixtureData(named: "\(name)-run")).runs
    }
}

/// The package's root folder, found from this file's path.
package let packageRoot = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// A file of `Tests/Fixtures`, by its name without `.json`.
package func fixtureData(named name: String) throws -> Data {
    try Data(contentsOf: fixtureURL(named: name))
}

/// The URL of a fixture, to read or rewrite it.
package func fixtureURL(named name: String) -> URL {
    packageRoot.appending(path: "Tests/Fixtures/\(name).json")
}
