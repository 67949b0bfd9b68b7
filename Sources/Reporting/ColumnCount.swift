/// The number of terminal columns that a text occupies: two for a character of an East Asian script
/// or an emoji, one for most others.
package func columnCount(_ text: String) -> Int {
    // In ASCII every byte is one column.
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + columnCount($1) }
}

private func columnCount(_ character: Character) -> Int {
    guard let first = character.unicodeScalars.first else { return 0 }
    // The variation selector that requests the emoji presentation.
    if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
    if first.properties.generalCategory == .nonspacingMark || [0xAD, 0x200C, 0x200D].contains(first.value) {
        return 0
    }
    return wideScalars.contains { $0.contains(first.value) } ? 2 : 1
}

/// Scalars of Unicode's East Asian width classes W and F, in whole blocks.
private let wideScalars: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x231A...0x231B, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
    0x16FE0...0x18CFF, 0x1B000...0x1B2FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
    0x20000...0x3FFFD,
]
