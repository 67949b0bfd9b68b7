/// A 64-bit cyclic redundancy check: CRC-64/XZ (ECMA-182 polynomial, reflected).
///
/// Finds every burst of up to 64 damaged bits, and any other damage but for one case in 2⁶⁴. Eight bytes a step, from
/// tables ("slicing by 8").
public struct CRC64: Equatable, Sendable {
    private var register = ~UInt64(0)

    public init() {}

    /// The check of `bytes`.
    public init(_ bytes: some Sequence<UInt8>) {
        update(Array(bytes))
    }

    /// The check of all bytes so far. That of "123456789" is 0x995DC9BBDF1939FA.
    public var value: UInt64 { ~register }

    /// `value` in 16 lower-case hexadecimal digits.
    public var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Takes further bytes in.
    public mutating func update(_ bytes: borrowing RawSpan) {
        let tables = Self.tables.span
        let whole = bytes.byteCount & ~7
        var register = register
        for offset in stride(from: 0, to: whole, by: 8) {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let mixed = register ^ UInt64(littleEndian: word)
            var next = UInt64(0)
            for byte in 0..<8 {
                next ^= tables[(7 - byte) * 256 + Int(truncatingIfNeeded: mixed >> (8 * UInt64(byte)) & 0xFF)]
            }
            register = next
        }
        for offset in whole..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            register = register >> 8 ^ tables[Int(truncatingIfNeeded: (register ^ UInt64(byte)) & 0xFF)]
        }
        self.register = register
    }

    /// Takes further bytes in.
    public mutating func update(_ bytes: Span<UInt8>) { unsafe update(bytes.bytes) }

    /// Takes the bytes of `elements` in, as they lie in memory.
    public mutating func update<Element: BitwiseCopyable>(_ elements: [Element]) {
        let span = elements.span
        unsafe update(span.bytes)
    }

    /// Eight tables of 256: the check of a byte followed by 0 to 7 zero bytes.
    private static let tables: [UInt64] = {
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var register = UInt64(byte)
            for _ in 0..<8 {
                register = register & 1 == 1 ? register >> 1 ^ 0xC96C_5795_D787_0F42 : register >> 1
            }
            tables[byte] = register
        }
        for zeros in 1..<8 {
            for byte in 0..<256 {
                let shorter = tables[(zeros - 1) * 256 + byte]
                tables[zeros * 256 + byte] = shorter >> 8 ^ tables[Int(truncatingIfNeeded: shorter & 0xFF)]
            }
        }
        return tables
    }()
}
