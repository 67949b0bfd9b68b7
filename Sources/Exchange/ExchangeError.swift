/// Why a model file of another program could not be read, used or written.
public struct ExchangeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the user gave it.
    public var path: String
    /// What is wrong and, where that is not plain, how to mend it.
    public var reason: String

    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { "model file \(path): \(reason)" }
}

/// What is wrong with bytes, before it is known which file they are from.
struct FormatError: Error, Equatable {
    var reason: String

    init(_ reason: String) { self.reason = reason }
}

/// A name out of a file as an error may show it: one line, not endless, without characters that a terminal acts on.
func shown(_ name: String) -> String {
    let start = name.prefix(120)
    let clean = String(
        String.UnicodeScalarView(start.unicodeScalars.prefix(480).map { isPlain($0) ? $0 : "\u{FFFD}" }))
    return clean.utf8.count < name.utf8.count && start.count < name.count ? clean + "…" : clean
}

/// The first few names and the number of the others.
func shownList(_ names: [String]) -> String {
    let limit = 8
    let more = names.count > limit ? " and \(names.count - limit) more" : ""
    return names.prefix(limit).map(shown).joined(separator: ", ") + more
}

/// Whether a character is neither a control character nor one that turns the direction of the line.
private func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
    default: true
    }
}
