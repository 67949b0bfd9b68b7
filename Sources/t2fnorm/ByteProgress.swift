import Evaluation
import Numerics
import Reporting
import Synchronization

/// Progress of reading or copying bytes, with the rate.
final class ByteProgress: CopyProgress {
    private let title: String
    private let line: Mutex<ProgressLine>
    private let start = ContinuousClock.now

    init(_ title: String, isLog: Bool = false) {
        self.title = title
        line = Mutex(ProgressLine(isLog: isLog))
    }

    func update(_ done: Int, _ total: Int) {
        let rate = Double(done) / max((ContinuousClock.now - start).inSeconds, 1e-9)
        let fields = [
            "\(title): \(megabytes(done)) of \(megabytes(total)) MB", "\(megabytes(Int(rate))) MB/s",
        ]
        line.withLock {
            $0.update(
                fraction: Double(done) / Double(max(total, 1)),
                remaining: Double(total - done) / max(rate, 1), fields)
        }
    }

    func clear() { line.withLock { $0.clear() } }

    /// Clears the progress and prints a final line.
    func finish(_ text: (_ seconds: Double) -> String) {
        let seconds = (ContinuousClock.now - start).inSeconds
        line.withLock { $0.printLine(text(seconds)) }
    }
}

func megabytes(_ byteCount: Int) -> String { decimal(Double(byteCount) / 1e6, 0) }
