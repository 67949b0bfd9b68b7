/// A tar archive; names over 100 bytes are in a pax header, as written by GNU tar and Python.
func tar(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var archive: [UInt8] = []
    for (name, bytes) in files {
        if name.utf8.count > 100 {
            var record = " path=\(name)\n"
            let length = record.utf8.count
            record = "\(length + "\(length + 3)".utf8.count)" + record
            archive += tarEntry(Array("PaxHeader".utf8), Array(record.utf8), type: "x")
        }
        archive += tarEntry(Array(name.utf8.suffix(100)), bytes)
    }
    return archive + tarEnd
}

/// An entry of a tar archive: a header, and the bytes padded to whole blocks.
///
/// - Parameters:
///   - type: `0` a file, `1` a hard link, `2` a symbolic link, `5` a folder, `6` a pipe.
///   - link: The target of a link.
///   - byteCount: The size in the header; the true size if `nil`.
func tarEntry(
    _ name: [UInt8], _ bytes: [UInt8] = [], type: Character = "0", link: String = "", byteCount: Int? = nil
) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, at offset: Int) {
        header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    func octal(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: digits - text.count) + text
    }
    header.replaceSubrange(0..<name.count, with: name)
    put(link, at: 157)
    put("0000644", at: 100)
    put(octal(byteCount ?? bytes.count, digits: 11), at: 124)
    put("00000000000", at: 136)
    put("        ", at: 148)
    put(String(type), at: 156)
    put("ustar\u{0}00", at: 257)
    put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6), at: 148)
    header[154] = 0
    let padding = [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    return header + bytes + padding
}

/// The end marker of a tar archive.
let tarEnd = [UInt8](repeating: 0, count: 1024)

/// A gzip file whose blocks are stored, not compressed.
func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var file: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]
    let step = 0xFFFF
    for start in stride(from: 0, to: max(bytes.count, 1), by: step) {
        let block = bytes[start..<min(start + step, bytes.count)]
        let length = UInt16(block.count)
        file.append(start + step >= bytes.count ? 1 : 0)
        for value in [length, ~length] { file += [UInt8(value & 0xFF), UInt8(value >> 8)] }
        file += block
    }
    for value in [crc32(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
        file += little(Int(value), 4)
    }
    return file
}

/// A zip archive whose files are stored, not compressed.
func zip(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var (archive, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, bytes) in files {
        let sizes = little(Int(crc32(bytes)), 4) + little(bytes.count, 4) + little(bytes.count, 4)
        let common = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0] + sizes + little(name.utf8.count, 2) + [0, 0]
        directory +=
            [0x50, 0x4B, 1, 2, 20, 0] + common + [UInt8](repeating: 0, count: 10) + little(archive.count, 4)
        directory += name.utf8
        archive += [0x50, 0x4B, 3, 4] + common + name.utf8 + bytes
    }
    let count = little(files.count, 2)
    return archive + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count + little(directory.count, 4)
        + little(archive.count, 4) + [0, 0]
}

/// An .npy file, padded to 64 bytes as NumPy does.
///
/// - Parameter header: Another header than that of the type and shape.
func npy(
    _ type: String, _ shape: [Int], _ bytes: [UInt8], version: UInt8 = 1, isColumnMajor: Bool = false,
    header: String? = nil
) -> [UInt8] {
    let axes = shape.map { "\($0), " }.joined()
    var text =
        header
        ?? "{'descr': '\(type)', 'fortran_order': \(isColumnMajor ? "True" : "False"), 'shape': (\(axes)), }"
    let lengthByteCount = version == 1 ? 2 : 4
    while (9 + lengthByteCount + text.utf8.count) % 64 != 0 { text += " " }
    text += "\n"
    return [0x93] + "NUMPY".utf8 + [version, 0] + little(text.utf8.count, lengthByteCount) + text.utf8 + bytes
}

private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc = UInt32.max
    for byte in bytes {
        crc ^= UInt32(byte)
        for _ in 0..<8 { crc = (crc & 1) * 0xEDB8_8320 ^ (crc >> 1) }
    }
    return ~crc
}

/// A binary CIFAR record: label bytes, then planes whose values depend on the position and `seed`.
func cifarRecord(labels: [UInt8], seed: Int) -> [UInt8] {
    labels + (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 1024 &+ seed) }
}

/// An IDX file of bytes.
func idx(_ shape: [Int], _ bytes: [UInt8]) -> [UInt8] {
    var file: [UInt8] = [0, 0, 8, UInt8(shape.count)]
    for length in shape { file += little(length, 4).reversed() }
    return file + bytes
}
