import Foundation
import Reporting

/// The length limit of a message, in characters: longer than any message of this program, and short
/// enough for messages that quote a file's text.
private let longestMessage = 8192

/// Prints one line on standard output; see `terminalText`.
func printLine(_ line: String) { Swift.print(terminalText(line)) }

/// A table as text for standard output.
func consoleText(_ table: Table) -> String { table.console(on: Terminal(of: STDOUT_FILENO)) }

/// Prints a table on standard output.
func print(_ table: Table) { Swift.print(consoleText(table)) }

/// Prints text of one or several lines; control characters other than newlines are escaped.
///
/// It shadows Swift's own `print`, so that no command prints an unescaped name from a file.
func print(_ text: some CustomStringConvertible = "") {
    Swift.print(terminalText(text.description, keepsNewlines: true))
}

/// Writes one line to standard error; it replaces the progress bar, if one is drawn.
func printError(_ line: String) {
    let text = terminalText(shortened(line, to: longestMessage))
    // The write fails if the terminal is gone; there is nowhere to report that.
    try? FileHandle.standardError.write(contentsOf: Data("\(ProgressLine.roomForAnError())\(text)\n".utf8))
}

/// Writes one line about a running job to standard error; in a log it ends with the time.
func printJobError(_ line: String) {
    printError(Terminal(of: STDERR_FILENO) == nil ? "\(line) (\(logTime()))" : line)
}

/// Writes lines of data to standard output: unchanged to a file or pipe, with control characters
/// escaped to a terminal.
func writeData(_ text: String) {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    FileHandle.standardOutput.write(
        Data((isTerminal ? terminalText(text, keepsNewlines: true) : text).utf8))
}
