internal import Glibc
internal import Memory
internal import Workers

/// The time of each algorithm for a convolution on this machine, and the error of the chosen one.
package struct ConvolutionMeasurement: Codable, Equatable, Sendable {
    /// One algorithm's time.
    package struct Candidate: Codable, Equatable, Sendable {
        package let algorithm: ConvolutionAlgorithm
        /// Time of all three passes on one thread, in seconds.
        package let secondsPerImage: Double

        package init(algorithm: ConvolutionAlgorithm, secondsPerImage: Double) {
            self.algorithm = algorithm
            self.secondsPerImage = secondsPerImage
        }
    }

    package let shape: ConvolutionShape
    /// In the order of `Convolution.algorithms(for: shape)`.
    package let candidates: [Candidate]
    /// The chosen algorithm.
    package let algorithm: ConvolutionAlgorithm
    /// Relative RMS error of its results against double precision, the largest of the three passes.
    package let relativeError: Double

    package init(
        shape: ConvolutionShape, candidates: [Candidate], algorithm: ConvolutionAlgorithm,
        relativeError: Double
    ) {
        self.shape = shape
        self.candidates = candidates
        self.algorithm = algorithm
        self.relativeError = relativeError
    }
}

extension ConvolutionMeasurement {
    /// The fastest of `candidates` if it saves at least a twentieth of the first one's time, else
    /// the first.
    ///
    /// Smaller differences are measurement noise, and the first algorithm is the one that other
    /// runs use.
    package static func choice(among candidates: [Candidate]) -> ConvolutionAlgorithm {
        precondition(!candidates.isEmpty, "there are no candidates to choose from")
        let fastest = candidates.min { $0.secondsPerImage < $1.secondsPerImage }!
        return fastest.secondsPerImage <= 0.95 * candidates[0].secondsPerImage
            ? fastest.algorithm : candidates[0].algorithm
    }
}

/// Times all algorithms for `shapes` on random data.
///
/// Algorithms take turns on one thread, and the least time of each counts. Times are the thread's
/// CPU time, so other programs on its core do not affect the choice.
///
/// - Parameters:
///   - shapes: No duplicates; output channels a multiple of 16, as in every normalised convolution.
///   - limit: Time limit for all shapes together; exceeded if it is too short for one turn of every
///     algorithm.
package func measureConvolutions(
    _ shapes: [ConvolutionShape], limit: Duration = .milliseconds(500)
) -> [ConvolutionMeasurement] {
    useOneThreadPerLibraryProduct()
    let pool = WorkerPool(threads: 1)
    let start = ContinuousClock.now
    return shapes.enumerated().map { index, shape in
        measure(shape, until: start + limit * (index + 1) / shapes.count, on: pool)
    }
}

private func measure(
    _ shape: ConvolutionShape, until deadline: ContinuousClock.Instant, on pool: WorkerPool
) -> ConvolutionMeasurement {
    let algorithms = Convolution.algorithms(for: shape)
    let part = shape.part(rows: max(384 / shape.outputWidth + 3, 4) & ~3)
    // Enough positions to fill tiles and to amortise packing the weights. Transforming the weights
    // needs more positions.
    let positions = algorithms.contains(.winograd) ? 384 : 256
    let images = max(min(positions / part.outputPositions, 16), 1)
    let trial = ConvolutionTrial(part, images: images)
    var results = trial.makeResults()
    let seconds = leastSeconds(of: algorithms, until: deadline) {
        trial.run($0, into: &results, on: pool)
    }
    let candidates = zip(algorithms, seconds).map {
        ConvolutionMeasurement.Candidate(
            algorithm: $0,
            secondsPerImage: $1 * Double(shape.outputHeight) / Double(images * part.outputHeight))
    }
    let choice = ConvolutionMeasurement.choice(among: candidates)
    // The first algorithm runs last in each turn, so `results` are its results.
    if choice != candidates[0].algorithm { trial.run(choice, into: &results, on: pool) }
    return ConvolutionMeasurement(
        shape: shape, candidates: candidates, algorithm: choice,
        relativeError: trial.relativeError(of: results, samples: 64))
}

/// The least time of each algorithm; the first one runs last.
///
/// The first run of an algorithm has cold caches (Winograd at 8×8 had 138 instead of 214 GFLOP/s),
/// so short runs are repeated within a turn. There are more turns while they are short; after 5 ms
/// only the first algorithm and those within 1.5 times the best time take part.
private func leastSeconds(
    of algorithms: [ConvolutionAlgorithm], until deadline: ContinuousClock.Instant,
    run: (ConvolutionAlgorithm) -> Void
) -> [Double] {
    var least = [Double](repeating: .infinity, count: algorithms.count)
    var contenders = Array(algorithms.indices)
    func timed(_ algorithm: ConvolutionAlgorithm) -> Double {
        let begin = threadSeconds()
        run(algorithm)
        return threadSeconds() - begin
    }
    let start = ContinuousClock.now
    var elapsed = Duration.zero
    repeat {
        for i in contenders.reversed() {
            var seconds = timed(algorithms[i])
            if seconds < 0.006 { seconds = min(seconds, timed(algorithms[i])) }
            least[i] = min(least[i], seconds)
        }
        elapsed = ContinuousClock.now - start
        let best = least.min()!
        if elapsed > .milliseconds(5) { contenders.removeAll { $0 > 0 && least[$0] > 1.5 * best } }
    } while contenders.count > 1
        && elapsed < (ContinuousClock.now < deadline ? .milliseconds(25) : .milliseconds(5))
    return least
}

extension ConvolutionShape {
    /// The convolution of the part of an image that gives `rows` rows of output, or of the whole
    /// image if it has no more rows.
    fileprivate func part(rows: Int) -> ConvolutionShape {
        guard rows < outputHeight else { return self }
        return ConvolutionShape(
            height: (rows - 1) * stride + kernel - 2 * padding, width: width, channels: channels,
            outputChannels: outputChannels, kernel: kernel, stride: stride, padding: padding)
    }
}

/// CPU time of this thread in seconds.
private func threadSeconds() -> Double {
    var time = timespec()
    let status = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    precondition(status == 0, "could not read the thread's CPU clock")
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
