import Foundation
import Reporting

/// The progress of something long on standard output.
///
/// On a terminal it is one line with a bar, drawn over itself; elsewhere a plain line every ten seconds.
struct ProgressLine {
    private static let logInterval = Duration.seconds(10)
    private static let drawInterval = Duration.milliseconds(100)

    /// Whether somebody watches on a terminal.
    var isTerminal: Bool { terminal != nil }
    private let terminal = Self.shownOn
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
        guard let terminal else {
            print("\(decimal(100 * fraction, 1)) %  \(text)")
            flush()
            return
        }
        let line = progressBar(
            fraction, caption: "\(decimal(100 * fraction, 1)) %  \(text)", width: Self.width(of: terminal))
        print("\r\u{1B}[K\(line)", terminator: "")
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

    /// The terminal that somebody watches: `mpirun` gives its ranks one of their own, so there its own output counts.
    private static var shownOn: String? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] != nil else { return "/dev/stdout" }
        let output = "/proc/\(getppid())/fd/1"
        let target = try? FileManager.default.destinationOfSymbolicLink(atPath: output)
        return target?.hasPrefix("/dev/pts/") == true || target?.hasPrefix("/dev/tty") == true ? target : nil
    }

    /// In columns; 80 where the terminal does not say.
    private static func width(of terminal: String) -> Int {
        let descriptor = unsafe open(terminal, O_WRONLY | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { return 80 }
        defer { _ = close(descriptor) }
        var size = winsize()
        return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
            ? Int(size.ws_col) : 80
    }

    private func flush() { fflush(nil) }
}
