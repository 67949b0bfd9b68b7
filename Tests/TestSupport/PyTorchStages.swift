internal import Foundation

/// The losses of PyTorch's SGD over some steps with frozen parts, scales that begin at 0, or images
/// of several sizes, with the initial network of `PyTorchFixture`; written by
/// `Tests/Fixtures/make_pytorch_fixtures.py`.
package struct PyTorchStages: Decodable, Sendable {
    package struct Run: Decodable, Sendable {
        /// `fixed` or `batch` statistics of all but the third stage and the head, or `none`.
        package let frozen: String
        package let zeroesScales: Bool
        /// Sizes of the images, each for an equal part of the steps.
        package let sizes: [Int]
        package let batchSize: Int
        package let learningRate: Double, minimumLearningRate: Double
        package let totalSteps: Int
        package let momentum: Double, weightDecay: Double
        /// Step `s` draws images and labels from these streams plus `s` modulo `batches`.
        package let imageStream: Int, labelStream: Int, batches: Int
        package let losses: [Double]
        /// After the last step, in evaluation mode: the sum of the logits of the first batch and of
        /// its horizontal flip, shape `[batchSize, 10]`.
        package let flippedLogits: [Double]
    }

    package let runs: [Run]

    /// Reads `Tests/Fixtures/<name>-stages.json`.
    package init(named name: String) throws {
        self = try JSONDecoder().decode(Self.self, from: fixtureData(named: "\(name)-stages"))
    }
}
