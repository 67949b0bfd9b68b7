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

/// A name out of a file as an error may show it: one line, not endless, without control characters.
func shown(_ name: String) -> String {
    let start = name.prefix(120)
    let clean = String(String.UnicodeScalarView(start.unicodeScalars.map { $0.value < 32 ? "\u{FFFD}" : $0 }))
    return start.count < name.count ? clean + "…" : clean
}
