internal import Glibc
internal import Workers

/// How fast each path computes a convolution on this machine, and how exactly the chosen one does.
public struct ConvolutionMeasurement: Codable, Equatable, Sendable {
    /// One path's time.
    public struct Candidate: Codable, Equatable, Sendable {
        public let path: ConvolutionPath
        /// Of all three passes on one thread.
        public let secondsPerImage: Double

        public init(path: ConvolutionPath, secondsPerImage: Double) {
            self.path = path
            self.secondsPerImage = secondsPerImage
        }
    }

    public let shape: ConvolutionShape
    /// In the order of `Convolution.paths(for: shape)`.
    public let candidates: [Candidate]
    /// The path that is chosen.
    public let path: ConvolutionPath
    /// Its relative rms difference from results in double precision, the largest of the three passes.
    public let relativeError: Double

    public init(
        shape: ConvolutionShape, candidates: [Candidate], path: ConvolutionPath, relativeError: Double
    ) {
        self.shape = shape
        self.candidates = candidates
        self.path = path
        self.relativeError = relativeError
    }
}

extension ConvolutionMeasurement {
    /// The fastest of `candidates` if it saves at least a twentieth of the first one's time, else the first.
    ///
    /// Smaller differences are those of two measurements, and the first path is the one that other runs take.
    public static func choice(among candidates: [Candidate]) -> ConvolutionPath {
        precondition(!candidates.isEmpty, "a choice among no paths")
        let fastest = candidates.min { $0.secondsPerImage < $1.secondsPerImage }!
        return fastest.secondsPerImage <= 0.95 * candidates[0].secondsPerImage
            ? fastest.path : candidates[0].path
    }
}

/// Measures all paths of `shapes` on random numbers.
///
/// Paths take turns on one thread, and the least time of each counts. Times are the thread's own, so that other programs
/// on its core do not decide.
///
/// - Parameters:
///   - shapes: Each once; output channels a multiple of 16, as normalised ones are.
///   - limit: For all shapes; where it is too short for one turn of every path it is exceeded.
public func measureConvolutions(
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
    let paths = Convolution.paths(for: shape)
    let part = shape.part(rows: max(384 / shape.outputWidth + 3, 4) & ~3)
    // Enough positions to fill tiles and to make use of packed weights; of transformed ones it takes more.
    let positions = paths.contains(.winograd) ? 384 : 256
    let images = max(min(positions / part.outputPositions, 16), 1)
    let trial = ConvolutionTrial(part, images: images)
    var results = trial.makeResults()
    let seconds = leastSeconds(of: paths, until: deadline) {
        trial.run($0, into: &results, on: pool)
    }
    let candidates = zip(paths, seconds).map {
        ConvolutionMeasurement.Candidate(
            path: $0,
            secondsPerImage: $1 * Double(shape.outputHeight) / Double(images * part.outputHeight))
    }
    let choice = ConvolutionMeasurement.choice(among: candidates)
    // Turns end with the first path's.
    if choice != candidates[0].path { trial.run(choice, into: &results, on: pool) }
    return ConvolutionMeasurement(
        shape: shape, candidates: candidates, path: choice,
        relativeError: trial.relativeError(of: results, samples: 64))
}

/// The least time of each path; the first one runs last.
///
/// The first run of a path finds cold caches (Winograd at 8×8 had 138 instead of 214 GFLOP/s), so short ones are done
/// twice a turn. While turns are short there are more, after a while only of paths within half of the best one's time.
private func leastSeconds(
    of paths: [ConvolutionPath], until deadline: ContinuousClock.Instant, run: (ConvolutionPath) -> Void
) -> [Double] {
    var least = [Double](repeating: .infinity, count: paths.count)
    var contenders = Array(paths.indices)
    func timed(_ path: ConvolutionPath) -> Double {
        let begin = threadSeconds()
        run(path)
        return threadSeconds() - begin
    }
    let start = ContinuousClock.now
    var elapsed = Duration.zero
    repeat {
        for i in contenders.reversed() {
            var seconds = timed(paths[i])
            if seconds < 0.006 { seconds = min(seconds, timed(paths[i])) }
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
    /// The convolution of as much of an image as gives `rows` rows of output, or of a whole image.
    fileprivate func part(rows: Int) -> ConvolutionShape {
        guard rows < outputHeight else { return self }
        return ConvolutionShape(
            height: (rows - 1) * stride + kernel - 2 * padding, width: width, channels: channels,
            outputChannels: outputChannels, kernel: kernel, stride: stride, padding: padding)
    }
}

/// Seconds that this thread has had on a core.
private func threadSeconds() -> Double {
    var time = timespec()
    let status = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    precondition(status == 0, "no clock of the thread's own time")
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
