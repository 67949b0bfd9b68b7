import Cluster
import Evaluation
import Foundation
import Reporting
import Synchronization

/// Width in columns of the bar that is drawn on this process's terminal; 0 if none is drawn.
private let drawnColumns = Atomic<Int>(0)

/// The progress of a long operation, on standard output or standard error.
///
/// On a terminal it is one line with a bar, redrawn in place; elsewhere a plain line with the time
/// every ten seconds.
struct ProgressLine {
    private static let logInterval = Duration.seconds(10)
    private static let drawInterval = Duration.milliseconds(100)

    /// The terminal of the output; `nil` for a file or a pipe.
    let terminal: Terminal?
    private let output: FileHandle
    private let isLog: Bool
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant?

    /// - Parameters:
    ///   - output: Standard output or standard error.
    ///   - isLog: Whether printed lines belong to a log, so that they start with the time if the
    ///     output is not a terminal.
    init(on output: FileHandle = .standardOutput, isLog: Bool = false) {
        self.output = output
        self.isLog = isLog
        terminal = Terminal(of: output.fileDescriptor)
    }

    /// Shows the progress, unless the previous update was less than an interval ago.
    ///
    /// - Parameters:
    ///   - fraction: Completed fraction, from 0 to 1.
    ///   - remaining: Estimated seconds left, if known.
    ///   - fields: Further text, the most important first, since a narrow terminal may not have
    ///     room for all.
    mutating func update(fraction: Double, remaining: Double? = nil, _ fields: [String]) {
        let now = clock.now
        let interval = terminal == nil ? Self.logInterval : Self.drawInterval
        if let last, now - last < interval { return }
        last = now
        let share = "\(decimal(100 * fraction, 1)) %"
        let fields =
            [share] + (remaining.map { ["ETA \(duration($0))"] } ?? []) + fields.map { terminalText($0) }
        guard let terminal else {
            write("\(logTime())  \(fields.joined(separator: "  "))\n")
            return
        }
        let line = progressBar(fraction, fields: fields, width: terminal.width)
        write(terminal.eraser(of: drawnColumns.load(ordering: .relaxed)) + line)
        drawnColumns.store(columnCount(line), ordering: .relaxed)
    }

    /// Prints a line above the bar; in a log it starts with the time; see `terminalText`.
    mutating func printLine(_ text: String) {
        printResult(isLog && terminal == nil ? "\(logTime())  \(text)" : text)
    }

    /// Prints a line above the bar that belongs to a result and not to the log, so without the
    /// time; see `terminalText`.
    mutating func printResult(_ text: String) {
        clear()
        write("\(terminalText(text))\n")
    }

    /// Prints a table above the bar; on a terminal with bold titles and within its width.
    mutating func printTable(_ table: Table) {
        clear()
        write("\(table.console(on: terminal))\n")
    }

    /// Erases the bar, so that other text may be printed.
    mutating func clear() {
        guard let terminal else { return }
        let columns = drawnColumns.exchange(0, ordering: .relaxed)
        if columns > 0 { write(terminal.eraser(of: columns)) }
    }

    /// The text to write before a line on standard error, since a bar may be drawn on the same
    /// terminal: this process's own or, under a launcher, that of rank 0.
    static func roomForAnError() -> String {
        guard let terminal = Terminal(of: STDERR_FILENO) else { return "" }
        let columns = drawnColumns.exchange(0, ordering: .relaxed)
        let isOtherRank = Environment.rank(ProcessInfo.processInfo.environment) > 0
        return columns > 0 || isOtherRank ? terminal.eraser(of: columns) : ""
    }

    /// Writes unbuffered, after flushing everything printed before.
    private func write(_ text: String) {
        fflush(nil)
        try? output.write(contentsOf: Data(text.utf8))
    }
}

extension Table {
    /// The table's text for a terminal, or for a file if `terminal` is `nil`.
    func console(on terminal: Terminal?) -> String {
        guard let terminal else { return console() }
        return console(styled: terminal.allowsEscapes, width: terminal.width)
    }
}

/// The local time for a line of a log, as ISO 8601 with the offset from UTC.
func logTime() -> String {
    Date.now.formatted(Date.ISO8601FormatStyle(timeZoneSeparator: .colon, timeZone: .current))
}
