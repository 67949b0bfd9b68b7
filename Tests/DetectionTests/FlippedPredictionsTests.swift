import Cluster
import Datasets
import Inference
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// Predictions from an image and its horizontal flip.
@Suite(.timeLimit(.minutes(30))) struct FlippedPredictionsTests {
    /// Moves the last layer's bias so that the mean logits of random images are equal; a network with
    /// random weights would predict one class for all images.
    private func balance(_ classifier: Classifier) throws {
        let images = testValues(count: 64 * classifier.imageCount, stream: 1, scale: 2)
        let logits = try classifier.outputs(of: images).logits
        let bias = try #require(classifier.parameters.entries.last)
        var values = classifier.parameters.elements(of: bias)
        for i in logits.indices { values[i % values.count] -= logits[i] / 64 }
        classifier.parameters.setElements(of: bias, to: values)
    }

    @Test func predictionsComeFromTheSumOfBothLogits() throws {
        let classifier = DrawnBenchmark().classifier
        try balance(classifier)
        let pool = WorkerPool(threads: 1)
        func outputs(flips: Bool) throws -> [ForwardPass.Outputs] {
            let pass = ForwardPass(
                classifier: classifier,
                transform: EvaluationTransform(
                    size: 8, shorterSide: 8,
                    normalization: ChannelNormalization(
                        mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25])),
                microbatchSize: 4, batchSize: 8, communicator: LocalCommunicator(), pool: pool,
                flips: flips)
            var all: [ForwardPass.Outputs] = []
            try pass.forEachBatch(of: DrawnSet(count: 100, stream: 1, isInDistribution: true)) {
                own, images in
                let values = images.copyToArray()
                var reversed: [Float] = []
                for row in stride(from: 0, to: values.count, by: 3 * 8) {
                    for x in (0..<8).reversed() { reversed += values[row + 3 * x..<row + 3 * x + 3] }
                }
                let context = StepContext(
                    BatchPlacement(sampleCount: own.labels.count, microbatchSize: 4), mode: .evaluation,
                    pool: pool)
                let logits = try classifier.forward(images: Buffer(reversed, default: 0), context).logits
                if flips {
                    #expect(own.flippedLogits == logits)
                    let classes = logits.count / own.labels.count
                    for (sample, prediction) in own.predictions.enumerated() {
                        let sums = (0..<classes).map {
                            own.logits[sample * classes + $0] + logits[sample * classes + $0]
                        }
                        #expect(sums[Int(prediction)] == sums.max())
                    }
                }
                all.append(own)
            }
            return all
        }
        let (plain, flipped) = (try outputs(flips: false), try outputs(flips: true))
        #expect(
            plain.map(\.logits) == flipped.map(\.logits) && plain.map(\.features) == flipped.map(\.features)
        )
        #expect(plain.allSatisfy { $0.flippedLogits.isEmpty })
        #expect(plain.flatMap(\.predictions) != flipped.flatMap(\.predictions))
    }
}
