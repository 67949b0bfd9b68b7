package import Kernels
internal import Memory
package import Networks
internal import Numerics
internal import Reporting
internal import Training
internal import Workers

/// Times whole steps of a network on random images.
package struct StepBenchmark {
    package enum Mode: String, CaseIterable, Codable {
        case training, inference
    }

    package let network: NetworkName
    package let mode: Mode
    package let batch: Int
    package let threads: Int
    package let microbatch: Int
    package let classes: Int
    /// Height and width of an image; `nil` for the network's own.
    package let imageSize: Int?
    /// The algorithms of the convolutions.
    package let convolutions: AlgorithmSelection

    package init(
        network: NetworkName, mode: Mode, batch: Int, threads: Int, microbatch: Int, classes: Int,
        imageSize: Int? = nil, convolutions: AlgorithmSelection = .shape
    ) {
        self.convolutions = convolutions
        self.imageSize = imageSize
        self.network = network
        self.mode = mode
        self.batch = batch
        self.threads = threads
        self.microbatch = microbatch
        self.classes = classes
    }

    package struct Result: Codable {
        package let network: String
        package let mode: Mode
        package let batch: Int
        package let threads: Int
        package let microbatch: Int
        /// Time of each timed step, in order.
        package let secondsPerStep: [Double]
        /// Rate of the median step.
        package let imagesPerSecond: Double
        /// Rate of the median step, counting the operations of direct convolutions.
        package let gigaflopsPerSecond: Double
        /// Rate of fused multiply-adds in registers, on the same threads.
        package let peakGigaflopsPerSecond: Double
        /// Fraction of that peak; Winograd convolutions do fewer multiplications and may exceed 1.
        package let shareOfPeak: Double
        /// The peak memory of the process.
        package let peakByteCount: Int
        /// The memory planned before the first step.
        package let plannedByteCount: Int
    }

    package func run(steps: Int, warmUp: Int) throws -> Result {
        let residentByteCount = ProcessMemory.residentByteCount
        let classifier = Classifier(
            network, head: .t2fnorm(temperature: 0.1), classes: classes, imageSize: imageSize,
            convolutions: convolutions, evaluationConvolutions: convolutions)
        classifier.parameters.initialize(seed: 0)
        let images = randomImages(count: batch * classifier.imageCount)
        var random = RandomStream(seed: 0, purpose: .synthesis, 1)
        let labels = (0..<batch).map { _ in Int32(random.integer(below: classes)) }
        let context = StepContext(
            BatchPlacement(sampleCount: batch, microbatchSize: microbatch),
            mode: mode == .training ? .training : .evaluation, pool: WorkerPool(threads: threads))
        // The memory in use, the network's, the images, and in training the momentum.
        let plannedByteCount =
            residentByteCount + classifier.memoryUse(context).byteCount
            + 4 * (images.count + (mode == .training ? classifier.parameters.parameterCount : 0))
        let seconds =
            switch mode {
            case .training:
                try timeTraining(classifier, images, labels, context, count: warmUp + steps)
            case .inference:
                try (0..<warmUp + steps).map { _ in
                    try time { _ = try classifier.forward(images: images, context) }
                }
            }
        return result(
            classifier, secondsPerStep: Array(seconds.dropFirst(warmUp)),
            peakRate: measurePeakRate(on: context.pool), plannedByteCount: plannedByteCount)
    }

    private func timeTraining(
        _ classifier: Classifier, _ images: borrowing Buffer<Float>, _ labels: [Int32],
        _ context: StepContext,
        count: Int
    ) throws -> [Double] {
        var optimizer = Optimizer(
            MomentumSGD(momentum: 0.9, usesNesterov: true), weightDecay: 5e-4, of: classifier.parameters)
        var seconds: [Double] = []
        for number in 1...count {
            let start = ContinuousClock.now
            _ = try classifier.differentiate(images: images, labels: labels, context)
            optimizer.update(classifier.parameters, number: number, learningRate: 0.01, on: context.pool)
            seconds.append((ContinuousClock.now - start).inSeconds)
        }
        return seconds
    }

    private func time(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (ContinuousClock.now - start).inSeconds
    }

    /// Uniform in ±√3: mean 0 and deviation 1, like normalised images.
    private func randomImages(count: Int) -> Buffer<Float> {
        var random = RandomStream(seed: 0, purpose: .synthesis)
        var images = Buffer<Float>(zeros: count)
        var span = images.mutableSpan
        for i in span.indices { span[i] = (random.uniform() - 0.5) * 3.4641016 }
        return images
    }

    private func result(
        _ classifier: Classifier, secondsPerStep: [Double], peakRate: Double, plannedByteCount: Int
    ) -> Result {
        let median = median(of: secondsPerStep)
        let passes = mode == .training ? 3 : 1
        let operations = Double(2 * passes * batch) * Double(classifier.multiplyAccumulates)
        return Result(
            network: network.rawValue, mode: mode, batch: batch, threads: threads, microbatch: microbatch,
            secondsPerStep: secondsPerStep, imagesPerSecond: Double(batch) / median,
            gigaflopsPerSecond: operations / median / 1e9, peakGigaflopsPerSecond: peakRate / 1e9,
            shareOfPeak: operations / median / peakRate, peakByteCount: ProcessMemory.peakByteCount,
            plannedByteCount: plannedByteCount)
    }
}

extension StepBenchmark.Result {
    package var description: String {
        let (least, most) = (secondsPerStep.min() ?? 0, secondsPerStep.max() ?? 0)
        return """
            \(network), \(mode.rawValue), batch \(batch), microbatches of \(microbatch), \(threads) threads: \
            \(decimal(imagesPerSecond, 1)) img/s, \(decimal(gigaflopsPerSecond, 1)) GFLOP/s, \
            \(decimal(100 * shareOfPeak, 0)) % of the peak of \(decimal(peakGigaflopsPerSecond, 1)) \
            (median of \(secondsPerStep.count) steps of \(decimal(least, 3)) to \(decimal(most, 3)) s), \
            peak memory \(decimal(Double(peakByteCount) / 1e9, 2)) GB, \
            planned \(decimal(Double(plannedByteCount) / 1e9, 2))
            """
    }
}

/// The median of `values`: the middle value, or the mean of the two middle values.
package func median(of values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
