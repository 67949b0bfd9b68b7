/// A Huffman code of a JPEG file (ITU-T T.81, annex C and F.2.2.3).
struct JPEGHuffmanCode {
    /// For each code length from 1 to 16 bits: the first code, the number of codes, and the index
    /// of their first symbol.
    private var lengths: [(first: Int, count: Int, start: Int)] = []
    private let symbols: [UInt8]

    /// - Parameter counts: Number of codes of each length from 1 to 16 bits.
    init(counts: ArraySlice<UInt8>, symbols: ArraySlice<UInt8>) {
        var (code, start) = (0, 0)
        for count in counts {
            lengths.append((code, Int(count), start))
            code = (code + Int(count)) << 1
            start += Int(count)
        }
        self.symbols = Array(symbols)
    }

    /// The next symbol; `nil` if the bits are not a valid code or end too early.
    func symbol(from bits: inout JPEGBits) -> Int? {
        var code = 0
        for length in lengths {
            guard let bit = bits.next() else { return nil }
            code = code << 1 | bit
            let index = code - length.first
            if index >= 0, index < length.count { return Int(symbols[length.start + index]) }
        }
        return nil
    }
}

/// The bits of a JPEG scan, up to the next marker.
struct JPEGBits {
    private let file: [UInt8]
    /// Position after the last byte that was read.
    private(set) var position: Int
    private var byte = 0
    private var count = 0

    init(_ file: [UInt8], from position: Int) {
        self.file = file
        self.position = position
    }

    /// The next bit; `nil` before a marker and at the end of the file.
    mutating func next() -> Int? {
        if count == 0 {
            guard let next = nextByte() else { return nil }
            (byte, count) = (next, 8)
        }
        count -= 1
        return byte >> count & 1
    }

    /// A number of `size` bits; `nil` if fewer are left.
    mutating func number(_ size: Int) -> Int? {
        var value = 0
        for _ in 0..<size {
            guard let bit = next() else { return nil }
            value = value << 1 | bit
        }
        return value
    }

    /// A signed number in `size` bits (F.2.2.1, EXTEND).
    mutating func signed(_ size: Int) -> Int? {
        guard let value = number(size) else { return nil }
        return size == 0 || value >> (size - 1) == 1 ? value : value - (1 << size) + 1
    }

    /// Ends a run of codes and returns whether the remaining bits of the last byte are padding:
    /// ones, or zeros from some encoders.
    ///
    /// Returns `false` if the bytes around the end of the codes are all equal, or zero on both
    /// sides: such bytes have overwritten the codes.
    mutating func isPadded() -> Bool {
        let rest = byte & (1 << count - 1)
        let around = file[max(position - 4, 0)..<min(position + 4, file.count)]
        let isUniform = around.count == 8 && around.allSatisfy { $0 == around.first }
        let isZeroed = byte == 0 && position < file.count && file[position] == 0
        defer { (byte, count) = (0xFF, 0) }
        return (rest == 1 << count - 1 || rest == 0) && !isZeroed && !isUniform
    }

    /// Reads a restart marker; `false` if there is none.
    mutating func restart() -> Bool {
        var next = position
        while next + 1 < file.count, file[next] == 0xFF, file[next + 1] == 0xFF { next += 1 }
        guard next + 1 < file.count, file[next] == 0xFF, (0xD0...0xD7).contains(file[next + 1]) else {
            return false
        }
        position = next + 2
        return true
    }

    /// Reads the next byte. A stuffed zero byte after 0xFF is not part of the bits, nor are fill
    /// bytes (0xFF) before it.
    private mutating func nextByte() -> Int? {
        guard position < file.count else { return nil }
        guard file[position] == 0xFF else {
            position += 1
            return Int(file[position - 1])
        }
        var next = position + 1
        while next < file.count, file[next] == 0xFF { next += 1 }
        guard next < file.count, file[next] == 0 else { return nil }
        position = next + 1
        return 0xFF
    }
}
