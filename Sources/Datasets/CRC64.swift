/// The checksum CRC-64/XZ: polynomial 0x42F0E1EBA9EA3693 reflected, all ones before and after (ECMA-182, .xz format).
package struct CRC64 {
    private var state: UInt64 = .max

    package init() {}

    package init(_ bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        update(bytes.span)
    }

    /// The checksum of all bytes so far.
    package var value: UInt64 { ~state }

    /// The checksum as 16 lower-case hexadecimal digits.
    package var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Adds `bytes`, eight at a time by as many tables.
    package mutating func update(_ bytes: Span<UInt8>) {
        let tables = Self.tables
        var crc = state
        let whole = bytes.count & ~7
        for start in stride(from: 0, to: whole, by: 8) {
            var word: UInt64 = 0
            for i in 0..<8 { word |= UInt64(bytes[start + i]) &<< UInt64(8 * i) }
            word ^= crc
            crc = 0
            for i in 0..<8 {
                crc ^= tables[(7 - i) * 256 + Int(word &>> UInt64(8 * i) & 0xFF)]
            }
        }
        for i in whole..<bytes.count {
            crc = tables[Int((crc ^ UInt64(bytes[i])) & 0xFF)] ^ (crc &>> 8)
        }
        state = crc
    }

    /// Table `t` at `256 t`: the checksum of a byte with `t` zero bytes after it.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var crc = UInt64(byte)
            for _ in 0..<8 { crc = (crc & 1) * 0xC96C_5795_D787_0F42 ^ (crc >> 1) }
            tables[byte] = crc
        }
        for i in 256..<8 * 256 {
            tables[i] = tables[Int(tables[i - 256] & 0xFF)] ^ (tables[i - 256] >> 8)
        }
        return tables
    }()
}
