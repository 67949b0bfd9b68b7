import Cluster
import Foundation
import Reporting
import Synchronization

/// Columns of the bar that is drawn on this process's terminal; 0 for none.
private let drawnColumns = Atomic<Int>(0)

/// The progress of something long, on standard output or on standard error.
///
/// On a terminal it is one line with a bar, drawn over itself; elsewhere a plain line with the time every ten seconds.
struct ProgressLine {
    private static let logInterval = Duration.seconds(10)
    private static let drawInterval = Duration.milliseconds(100)

    /// Where somebody watches.
    let terminal: Terminal?
    private let output: FileHandle
    private let isLog: Bool
    private let clock = ContinuousClock()
    private var last: ContinuousClock.Instant?

    /// - Parameters:
    ///   - output: Standard output or standard error.
    ///   - isLog: Whether printed lines tell what happened, so that they have a time where nobody watches.
    init(on output: FileHandle = .standardOutput, isLog: Bool = false) {
        self.output = output
        self.isLog = isLog
        terminal = Terminal(of: output.fileDescriptor)
    }

    /// Shows how far the work has come, if it is time to.
    ///
    /// - Parameters:
    ///   - fraction: From 0 to 1.
    ///   - remaining: Seconds that are left, if that can be told.
    ///   - fields: What else there is to say, the most important first: a narrow terminal has no room for all.
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

    /// Prints a line above the bar, in a log with the time; see `terminalText`.
    mutating func printLine(_ text: String) {
        printResult(isLog && terminal == nil ? "\(logTime())  \(text)" : text)
    }

    /// Prints a line above the bar that belongs to a result, and not to the log of how it came about; see `terminalText`.
    mutating func printResult(_ text: String) {
        clear()
        write("\(terminalText(text))\n")
    }

    /// Prints a table above the bar: on a terminal with bold titles and no wider than that.
    mutating func printTable(_ table: Table) {
        clear()
        write("\(table.console(on: terminal))\n")
    }

    /// Takes the bar away, so that something else may be printed.
    mutating func clear() {
        guard let terminal else { return }
        let columns = drawnColumns.exchange(0, ordering: .relaxed)
        if columns > 0 { write(terminal.eraser(of: columns)) }
    }

    /// What goes before a line on standard error, where a bar may stand on the same terminal: this process's own or, under a launcher,
    /// that of rank 0.
    static func roomForAnError() -> String {
        guard let terminal = Terminal(of: STDERR_FILENO) else { return "" }
        let columns = drawnColumns.exchange(0, ordering: .relaxed)
        let isOtherRank = Environment.rank(ProcessInfo.processInfo.environment) > 0
        return columns > 0 || isOtherRank ? terminal.eraser(of: columns) : ""
    }

    /// Writes at once, after what was printed before.
    private func write(_ text: String) {
        fflush(nil)
        try? output.write(contentsOf: Data(text.utf8))
    }
}

extension Table {
    /// The table's text for a terminal, or for a file where there is none.
    func console(on terminal: Terminal?) -> String {
        guard let terminal else { return console() }
        return console(styled: terminal.allowsEscapes, width: terminal.width)
    }
}

/// The local time for a line of a log, as ISO 8601 with the offset from UTC.
func logTime() -> String {
    Date.now.formatted(Date.ISO8601FormatStyle(timeZoneSeparator: .colon, timeZone: .current))
}
