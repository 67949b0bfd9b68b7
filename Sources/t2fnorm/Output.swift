import Foundation
import Reporting

/// The longest message, in characters: enough for all that is to be said, and no flood where a file's text is quoted.
private let longestMessage = 8192

/// Prints one line on standard output; see `terminalText`.
func printLine(_ line: String) { Swift.print(terminalText(line)) }

/// Prints a table on standard output.
func print(_ table: Table) { Swift.print(table.console(on: Terminal(of: STDOUT_FILENO))) }

/// Prints text that this program laid out, of one line or several; what controls a terminal is shown as an escape, but for newlines.
///
/// It stands in the place of Swift's own function, so that no command prints a name from a file as it is.
func print(_ text: some CustomStringConvertible = "") {
    Swift.print(terminalText(text.description, keepsNewlines: true))
}

/// Writes one line to standard error, in the place of a progress bar where one is drawn.
func printError(_ line: String) {
    let text = terminalText(shortened(line, to: longestMessage))
    // A terminal that has gone takes no line.
    try? FileHandle.standardError.write(contentsOf: Data("\(ProgressLine.roomForAnError())\(text)\n".utf8))
}

/// Writes one line about a running job to standard error; in a log it ends with the time.
func printJobError(_ line: String) {
    printError(Terminal(of: STDERR_FILENO) == nil ? "\(line) (\(logTime()))" : line)
}

/// Writes lines of data to standard output: as they are into a file or pipe, with escapes to a terminal.
func writeData(_ text: String) {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    FileHandle.standardOutput.write(
        Data((isTerminal ? terminalText(text, keepsNewlines: true) : text).utf8))
}
