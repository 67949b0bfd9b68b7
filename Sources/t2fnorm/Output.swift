import Foundation
import Reporting

/// The longest message, in characters: enough for all that is to be said, and no flood where a file's text is quoted.
private let longestMessage = 8192

/// Prints one line on standard output; see `terminalText`.
func printLine(_ line: String) { Swift.print(terminalText(line)) }

/// Prints a table on standard output.
func print(_ table: Table) { Swift.print(table.console()) }

/// Prints text that this program laid out, of one line or several; what controls a terminal is shown as an escape, but for newlines.
///
/// It stands in the place of Swift's own function, so that no command prints a name from a file as it is.
func print(_ text: some CustomStringConvertible = "") {
    Swift.print(terminalText(text.description, keepsNewlines: true))
}

/// Writes one line to standard error.
func printError(_ line: String) {
    let text = terminalText(shortened(line, to: longestMessage))
    FileHandle.standardError.write(Data("\(text)\n".utf8))
}

/// Writes lines of data to standard output: as they are into a file or pipe, with escapes to a terminal.
func writeData(_ text: String) {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    FileHandle.standardOutput.write(
        Data((isTerminal ? terminalText(text, keepsNewlines: true) : text).utf8))
}
