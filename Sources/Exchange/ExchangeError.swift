public import Failures

/// An error in reading, using or writing a model file of another program.
public struct ExchangeError: CodedError, Equatable, Sendable {
    /// The file, as the user gave it.
    public var path: String
    /// The problem and, if it is not obvious, the remedy.
    public var reason: String

    /// An error of one file.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// 5 (checkpoint).
    public var exitCode: Int32 { ExitCode.checkpoint }

    /// `model file <path>: <reason>`; one line.
    public var description: String { "model file \(path): \(reason)" }
}

/// An error in the content of a file whose path is not known yet.
struct FormatError: Error, Equatable {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A name from a file, made safe for an error message: one line of limited length, without terminal
/// control characters.
func shown(_ name: String) -> String {
    let start = name.prefix(120)
    let clean = String(
        String.UnicodeScalarView(start.unicodeScalars.prefix(480).map { isPlain($0) ? $0 : "\u{FFFD}" }))
    return clean.utf8.count < name.utf8.count && start.count < name.count ? clean + "…" : clean
}

/// The first few names and the number of the remaining ones.
func shownList(_ names: [String]) -> String {
    let limit = 8
    let more = names.count > limit ? " and \(names.count - limit) more" : ""
    return names.prefix(limit).map(shown).joined(separator: ", ") + more
}

/// Whether a character is neither a control character nor one that changes the text direction.
private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
    default: true
    }
}
