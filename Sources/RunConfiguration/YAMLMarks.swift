/// The aliases, and the keys other than plain text, that a YAML text may have, judged by its
/// characters; quoted text is not distinguished.
struct YAMLMarks {
    /// The token in front of a byte, without blanks.
    private enum Front {
        /// An alias's name, of which the byte may be a part.
        case alias
        /// A list, a mapping or an alias, which a following ':' turns into a key.
        case value
        case other
    }

    /// Whether the text may have both an anchor ('&') and an alias ('*').
    let hasAliases: Bool
    /// The number of keys after a '?', and of keys that end with a ']' or '}' or are an alias.
    let strangeKeys: Int

    init(_ text: String) {
        var (anchors, aliases, keys) = (0, 0, 0)
        var (front, before) = (Front.other, UInt8(ascii: "\n"))
        var (isAtStart, isComment) = (true, false)
        for byte in text.utf8 {
            // Only a comment that fills a whole line counts, up to a byte that may be another kind
            // of line end.
            isComment =
                !Self.endsLine(byte) && byte < 0x80 && (isComment || (isAtStart && byte == UInt8(ascii: "#")))
            isAtStart = Self.endsLine(byte) || (isAtStart && Self.isBlank(byte))
            if isComment { continue }
            if byte == UInt8(ascii: "?"), Self.endsToken(before) { keys += 1 }
            switch byte {
            case UInt8(ascii: "*"):
                aliases += 1
                front = .alias
            case UInt8(ascii: "]"), UInt8(ascii: "}"): front = .value
            case UInt8(ascii: ":"):
                keys += front == .other ? 0 : 1
                front = .other
            case UInt8(ascii: ","), 0x0A, 0x0D: front = .other
            case 0x20, 0x09: front = front == .alias ? .value : front
            default:
                anchors += byte == UInt8(ascii: "&") ? 1 : 0
                front = front == .value ? .other : front
            }
            before = byte
        }
        hasAliases = anchors > 0 && aliases > 0
        strangeKeys = keys
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func endsLine(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    /// Whether a new token may begin after a byte; any byte of a character beyond ASCII may be a
    /// line end.
    private static func endsToken(_ byte: UInt8) -> Bool {
        isBlank(byte) || endsLine(byte) || byte >= 0x80 || "[]{},:-?\"'".utf8.contains(byte)
    }
}
