public import Foundation

/// PyTorch's results for one network; written by `Tests/Fixtures/make_pytorch_fixtures.py`.
public struct PyTorchFixture: Decodable, Sendable {
    /// The distribution of one state-dict entry; its position is the random stream.
    public struct Entry: Decodable, Sendable {
        public let name: String, shape: [Int], scale: Float, offset: Float

        public var count: Int { shape.reduce(1, *) }
    }

    /// A bias that replaces the drawn one, to keep pre-activations away from 0.
    public struct Nudge: Decodable, Sendable {
        public let entry: Int, channel: Int, value: Float

        public init(from decoder: any Decoder) throws {
            var parts = try decoder.unkeyedContainer()
            entry = try parts.decode(Int.self)
            channel = try parts.decode(Int.self)
            value = try parts.decode(Float.self)
        }
    }

    /// A parameter's gradient, in PyTorch's element order.
    public struct Gradient: Decodable, Sendable {
        public let name: String, norm: Double, samples: [Double], dotProducts: [Double]
    }

    /// A running mean or variance after one training step's forward pass.
    public struct RunningStatistic: Decodable, Sendable {
        public let name: String, samples: [Double]
    }

    /// Evaluation of the same images with the running statistics after that forward pass.
    public struct Evaluation: Decodable, Sendable {
        public let features: [Double], logits: [Double], scoringLogits: [Double]
    }

    /// `t2fnorm` or `linear`, with its results.
    public struct Head: Decodable, Sendable {
        public let head: String, features: [Double], logits: [Double], loss: Double
        public let gradients: [Gradient]
        public let runningStatistics: [RunningStatistic]
        public let evaluation: Evaluation
    }

    public let parameterCount: Int
    public let imageCount: Int, imageSize: Int
    public let imageStream: Int, labelStream: Int
    public let imageScale: Float
    public let temperature: Float
    public let nudges: [Nudge]
    public let entries: [Entry]
    public let heads: [Head]

    /// Reads `Tests/Fixtures/<name>.json`, for example `resnet18`.
    public init(named name: String) throws {
        self = try JSONDecoder().decode(Self.self, from: fixtureData(named: name))
    }

    /// The values of entry `index`, in PyTorch's element order.
    public func values(ofEntry index: Int) -> [Float] {
        let entry = entries[index]
        var values = testValues(
            count: entry.count, stream: index, scale: entry.scale, offset: entry.offset)
        for nudge in nudges where nudge.entry == index { values[nudge.channel] = nudge.value }
        return values
    }

    /// The images, `[N, imageSize, imageSize, 3]`.
    public var images: [Float] {
        testValues(count: imageCount * imageSize * imageSize * 3, stream: imageStream, scale: imageScale)
    }

    /// The labels of the images.
    public var labels: [Int32] { testLabels(count: imageCount, classes: 10, stream: labelStream) }

    /// The relative error of a gradient in PyTorch's element order: the largest over norm, samples
    /// and projections.
    public func relativeError(of gradient: [Double], to expected: Gradient) -> Double {
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
    public static func samples(of values: [Double], count: Int) -> [Double] {
        (0..<count).map { values[(2 * $0 + 1) * values.count / (2 * count)] }
    }
}

/// The losses of PyTorch's SGD over some steps, with the initial network of `PyTorchFixture`.
public struct PyTorchDescent: Decodable, Sendable {
    public struct Run: Decodable, Sendable {
        public let head: String
        public let batchSize: Int
        public let learningRate: Double, minimumLearningRate: Double
        public let totalSteps: Int
        public let momentum: Double, weightDecay: Double
        /// Step `s` draws images and labels from these streams plus `s` modulo `batches`.
        public let imageStream: Int, labelStream: Int, batches: Int
        public let losses: [Double]

        /// The images of step `step`, `[batchSize, 32, 32, 3]`.
        public func images(ofStep step: Int, scale: Float) -> [Float] {
            testValues(count: batchSize * 32 * 32 * 3, stream: imageStream + step % batches, scale: scale)
        }

        /// The labels of step `step`.
        public func labels(ofStep step: Int) -> [Int32] {
            testLabels(count: batchSize, classes: 10, stream: labelStream + step % batches)
        }
    }

    public let descents: [Run]

    /// Reads `Tests/Fixtures/<name>-descent.json`.
    public init(named name: String) throws {
        self = try JSONDecoder().decode(Self.self, from: fixtureData(named: "\(name)-descent"))
    }
}

/// A whole training run of PyTorch on a few images, with the initial network of `PyTorchFixture`.
public struct PyTorchRun: Decodable, Sendable {
    public struct Step: Decodable, Sendable {
        public let loss: Double, accuracy: Double, learningRate: Double
    }

    public struct Epoch: Decodable, Sendable {
        public let loss: Double, accuracy: Double, validationAccuracy: Double
    }

    /// `t2fnorm` or `linear`.
    public let head: String
    public let imageStream: Int, labelStream: Int, imageCount: Int
    public let validationImageStream: Int, validationLabelStream: Int, validationCount: Int
    public let batchSize: Int, epochCount: Int
    public let learningRate: Double, minimumLearningRate: Double, momentum: Double, weightDecay: Double
    public let steps: [Step]
    public let epochs: [Epoch]
    /// Counted from 1; the latest for ties.
    public let bestEpoch: Int

    /// Reads `Tests/Fixtures/<name>-run.json`.
    public static func all(named name: String) throws -> [PyTorchRun] {
        struct File: Decodable { let runs: [PyTorchRun] }
        return try JSONDecoder().decode(File.self, from: fixtureData(named: "\(name)-run")).runs
    }
}

/// The package's root folder, found from this file's path.
public let packageRoot = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// A file of `Tests/Fixtures`, by its name without `.json`.
public func fixtureData(named name: String) throws -> Data {
    try Data(contentsOf: fixtureURL(named: name))
}

/// The URL of a fixture, to read or rewrite it.
public func fixtureURL(named name: String) -> URL {
    packageRoot.appending(path: "Tests/Fixtures/\(name).json")
}
