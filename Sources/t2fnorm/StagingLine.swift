import Synchronization

/// The progress of one dataset's copy.
final class StagingLine: Sendable {
    private let path: String
    private let line = Mutex(ProgressLine(isLog: true))
    private let start = ContinuousClock.now

    init(_ path: String) { self.path = path }

    func update(_ done: Int, _ total: Int) {
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        let megabytes = { (count: Double) in decimal(count / 1e6, 0) }
        let fields = [
            "staging \(path): \(megabytes(Double(done))) of \(megabytes(Double(total))) MB",
            "\(megabytes(rate)) MB/s",
        ]
        line.withLock {
            $0.update(
                fraction: Double(done) / Double(max(total, 1)),
                remaining: Double(total - done) / max(rate, 1),
                fields)
        }
    }

    func clear() { line.withLock { $0.clear() } }

    func finish(_ destination: String) {
        let seconds = decimal((ContinuousClock.now - start).inSeconds, 1)
        line.withLock { $0.printLine("staged \(path) in \(destination), \(seconds) s") }
    }
}
