internal import Checksums
internal import Kernels
internal import Memory
internal import Networks
internal import Numerics
internal import Workers

/// One training step of a small network on random images, in single and in mixed precision. The
/// fingerprint is the same on machines whose products, sums and elementary functions give the same
/// bits.
struct ArithmeticProbe {
    /// 16 hexadecimal digits of the weights after the steps.
    let fingerprint: String

    init() throws {
        var checksum = CRC64()
        for convolutions in [AlgorithmSelection.shape, .mixed] {
            try Self.step(convolutions, &checksum)
        }
        fingerprint = checksum.hexadecimal
    }

    private static func step(_ convolutions: AlgorithmSelection, _ checksum: inout CRC64) throws {
        let (count, microbatch) = (8, 4)
        let classifier = Classifier(
            .resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, convolutions: convolutions)
        classifier.parameters.initialize(seed: 0)
        var numbers = RandomStream(seed: 0, purpose: .test)
        let images = (0..<count * classifier.imageCount).map { _ in 2 * numbers.uniform() - 1 }
        let pool = WorkerPool(threads: 1)
        _ = try classifier.differentiate(
            images: Buffer(images, default: 0), labels: (0..<Int32(count)).map { $0 },
            StepContext(
                BatchPlacement(sampleCount: count, microbatchSize: microbatch), mode: .training, pool: pool))
        var optimizer = Optimizer(
            MomentumSGD(momentum: 0.9, usesNesterov: true), weightDecay: 5e-4, of: classifier.parameters)
        optimizer.update(classifier.parameters, number: 1, learningRate: 0.1, on: pool)
        for entry in classifier.parameters.entries {
            checksum.update(classifier.parameters.elements(of: entry))
        }
    }
}
