/// Text as it may go to a terminal: what controls it is shown as an escape.
///
/// Names come from files, and a name may hold an escape sequence (ESC is written `\x1b`), a newline (`\n`), or marks that turn the
/// direction of writing (`\u{202e}`), by which a message would say something else than it does. Letters of all scripts stay.
///
/// - Parameter keepsNewlines: Whether newlines and tabs stay, as in text of several lines that this program laid out.
public func terminalText(_ text: String, keepsNewlines: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: { controlsTerminal($0, keepsNewlines) }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if controlsTerminal(scalar, keepsNewlines) {
            result.append(contentsOf: escape(scalar).unicodeScalars)
        } else {
            result.append(scalar)
        }
    }
    return String(result)
}

/// A text of at most about `limit` characters: of a longer one its beginning, and how much was left out.
public func shortened(_ text: String, to limit: Int) -> String {
    // Bytes are counted at once, characters one by one.
    guard text.utf8.count > limit, text.count > limit else { return text }
    return "\(text.prefix(limit))… (\(text.count - limit) more characters)"
}

private func controlsTerminal(_ scalar: Unicode.Scalar, _ keepsNewlines: Bool) -> Bool {
    if (0x20..<0x7F).contains(scalar.value) { return false }
    if keepsNewlines && (scalar == "\n" || scalar == "\t") { return false }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    // Joiners and the soft hyphen belong to words and emoji.
    case .format: ![0xAD, 0x200C, 0x200D].contains(scalar.value)
    default: false
    }
}

private func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": return "\\n"
    case "\r": return "\\r"
    case "\t": return "\\t"
    default:
        let digits = String(scalar.value, radix: 16)
        guard scalar.value > 0xFF else { return "\\x" + (digits.count < 2 ? "0" : "") + digits }
        return "\\u{\(digits)}"
    }
}
