internal import Datasets

/// The offset of a tar entry's bytes in the archive file: after its header and any extended headers
/// before that.
///
/// - Parameters:
///   - offset: The offset of the entry's first header, as in `ArchiveReader.Entry`.
///   - byteCount: The entry's unpacked size.
/// - Returns: `nil` if the bytes are not stored contiguously, as for a sparse file or a link.
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
            // The stored size of a sparse file differs from its unpacked size.
            return size == byteCount ? start + tarBlock : nil
        default: return nil
        }
    }
}

/// Headers and contents start at multiples of this many bytes.
let tarBlock = 512

/// A number in octal digits, or in big-endian binary if the first bit is set; `nil` for anything
/// else, or for 2⁴⁰ and more.
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
