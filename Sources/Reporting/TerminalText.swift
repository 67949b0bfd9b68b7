/// Text that is safe to print on a terminal: control characters are replaced by visible escapes.
///
/// Names come from files, and a name may contain an escape sequence (ESC is written `\x1b`), a
/// newline (`\n`), or marks that change the writing direction (`\u{202e}`), which could falsify a
/// message. Letters of all scripts are kept.
///
/// - Parameter keepsNewlines: Whether newlines and tabs are kept, for text of several lines that
///   this program laid out.
package func terminalText(_ text: String, keepsNewlines: Bool = false) -> String {
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

/// The text, cut to about `limit` characters; a cut text ends with the number of omitted
/// characters.
package func shortened(_ text: String, to limit: Int) -> String {
    // Counting bytes takes constant time, counting characters linear time.
    guard text.utf8.count > limit, text.count > limit else { return text }
    return "\(text.prefix(limit))… (\(text.count - limit) more characters)"
}

private func controlsTerminal(_ scalar: Unicode.Scalar, _ keepsNewlines: Bool) -> Bool {
    if (0x20..<0x7F).contains(scalar.value) { return false }
    if keepsNewlines && (scalar == "\n" || scalar == "\t") { return false }
    return switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    // Joiners and the soft hyphen are parts of words and emoji.
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
