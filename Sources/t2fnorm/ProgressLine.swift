import Foundation
import Reporting

/// The progress of something long, on standard output or on standard error.
///
/// On a terminal it is one line with a bar, drawn over itself; elsewhere a plain line every ten seconds.
struct ProgressLine {
    private static let logInterval = Duration.seconds(10)
    private static let drawInterval = Duration.milliseconds(100)

    /// Whether somebody watches on a terminal.
    var isTerminal: Bool { terminal != nil }
    private let output: FileHandle
    private let terminal: String?
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant?
    private var isDrawn = false

    /// - Parameter output: Standard output or standard error.
    init(on output: FileHandle = .standardOutput) {
        self.output = output
        terminal = Self.terminal(of: output.fileDescriptor)
    }

    /// Shows how far the work has come, if it is time to.
    ///
    /// - Parameter fraction: From 0 to 1.
    mutating func update(fraction: Double, _ text: String) {
        let now = clock.now
        let interval = isTerminal ? Self.drawInterval : Self.logInterval
        if let last, now - last < interval { return }
        last = now
        let text = terminalText(text)
        guard let terminal else {
            write("\(decimal(100 * fraction, 1)) %  \(text)\n")
            return
        }
        let line = progressBar(
            fraction, caption: "\(decimal(100 * fraction, 1)) %  \(text)", width: Self.width(of: terminal))
        write("\r\u{1B}[K\(line)")
        isDrawn = true
    }

    /// Prints a line above the bar; see `terminalText`.
    mutating func printLine(_ text: String) {
        clear()
        write("\(terminalText(text))\n")
    }

    /// Prints a table above the bar, on a terminal with bold titles.
    mutating func printTable(_ table: Table) {
        clear()
        write("\(table.console(styled: isTerminal))\n")
    }

    /// Takes the bar away, so that something else may be printed.
    mutating func clear() {
        if isDrawn { write("\r\u{1B}[K") }
        isDrawn = false
    }

    /// The terminal that somebody watches: `mpirun` gives its ranks one of their own, so there its own output counts.
    private static func terminal(of descriptor: Int32) -> String? {
        guard isatty(descriptor) == 1 else { return nil }
        guard ProcessInfo.processInfo.environment["OMPI_COMM_WORLD_SIZE"] != nil else {
            return "/proc/self/fd/\(descriptor)"
        }
        let output = "/proc/\(getppid())/fd/\(descriptor)"
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

    /// Writes at once, after what was printed before.
    private func write(_ text: String) {
        fflush(nil)
        try? output.write(contentsOf: Data(text.utf8))
    }
}
