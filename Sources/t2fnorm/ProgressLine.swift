import Foundation

/// The progress of something long on standard output.
///
/// On a terminal it is one line with a bar, drawn over itself; elsewhere a plain line every ten seconds.
struct ProgressLine {
    private static let logInterval = Duration.seconds(10)
    private static let drawInterval = Duration.milliseconds(100)

    /// Whether somebody watches on a terminal.
    let isTerminal = Self.isShownOnTerminal
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant?
    private var isDrawn = false

    /// Shows how far the work has come, if it is time to.
    ///
    /// - Parameter fraction: From 0 to 1.
    mutating func update(fraction: Double, _ text: String) {
        let now = clock.now
        let interval = isTerminal ? Self.drawInterval : Self.logInterval
        if let last, now - last < interval { return }
        last = now
        guard isTerminal else {
            print("\(decimal(100 * fraction, 1)) %  \(text)")
            flush()
            return
        }
        let width = 24
        let filled = min(max(Int((fraction * Double(width)).rounded()), 0), width)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        print("\r\u{1B}[K\(bar) \(decimal(100 * fraction, 1)) %  \(text)", terminator: "")
        isDrawn = true
        flush()
    }

    /// Prints a line above the bar.
    mutating func printLine(_ text: String) {
        if isDrawn { print("\r\u{1B}[K", terminator: "") }
        isDrawn = false
        print(text)
        flush()
    }

    /// Whether somebody watches: `mpirun` gives its ranks a terminal of its own, so there its own output counts.
    private static var isShownOnTerminal: Bool {
        guard isatty(STDOUT_FILENO) == 1 else { return false }
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] != nil else { return true }
        let output = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(getppid())/fd/1")
        return output?.hasPrefix("/dev/pts/") == true || output?.hasPrefix("/dev/tty") == true
    }

    private func flush() { fflush(nil) }
}
