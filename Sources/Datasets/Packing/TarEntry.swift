/// Where the bytes of a tar entry lie in the archive's file: after its header and the extended ones before it.
///
/// - Parameters:
///   - offset: Of the entry's first header, as `ArchiveReader.Entry` has it.
///   - byteCount: Of the entry, as it unpacks.
/// - Returns: `nil` where the bytes do not lie in one piece as they are: a sparse file, a link.
/// - Throws: If the file cannot be read.
func tarContentStart(
    _ descriptor: Int32, at offset: Int, byteCount: Int, place: String
) throws(DatasetError) -> Int? {
    var start = offset
    while true {
        let header = try readAll(descriptor, at: start, count: tarBlock, place: place)
        guard let size = tarNumber(header[124..<136]) else { return nil }
        switch header[156] {
        case UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            start += tarBlock + (size + tarBlock - 1) / tarBlock * tarBlock
        case UInt8(ascii: "0"), UInt8(ascii: "7"), 0:
            // Another size than what it unpacks to: the pieces of a sparse file.
            return size == byteCount ? start + tarBlock : nil
        default: return nil
        }
    }
}

/// Headers and contents begin at multiples of this.
let tarBlock = 512

/// A number in octal digits, or in binary where the first bit is set; `nil` for anything else, or for 2⁴⁰ and more.
private func tarNumber(_ field: ArraySlice<UInt8>) -> Int? {
    guard let first = field.first else { return nil }
    var value = 0
    if first & 0x80 != 0 {
        for byte in field.dropFirst() where value < 1 << 40 { value = value << 8 | Int(byte) }
        return first == 0x80 && value < 1 << 40 ? value : nil
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    for digit in digits {
        guard (0x30..<0x38).contains(digit) else { return nil }
        value = value << 3 | Int(digit - 0x30)
    }
    return value
}
