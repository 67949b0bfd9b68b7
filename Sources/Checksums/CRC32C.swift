internal import CProcessor

/// The 32-bit Castagnoli cyclic redundancy check, for which x86-64 processors since 2008 and ARM
/// processors from version 8.1 on have an instruction.
///
/// It detects every burst of up to 32 damaged bits, and other damage except for one case in 2³².
/// Polynomial 0x1EDC6F41, reflected (RFC 3720, appendix B.4).
package struct CRC32C: Equatable, Sendable {
    private var register = ~UInt32(0)

    package init() {}

    /// The check of `bytes`.
    package init(_ bytes: Span<UInt8>) { update(bytes) }

    /// The check of all bytes so far. That of "123456789" is 0xE3069283.
    package var value: UInt32 { ~register }

    /// Updates the check with further bytes; eight per step by the processor's instruction if the
    /// build may use it.
    package mutating func update(_ bytes: borrowing RawSpan) {
        guard Self.hasInstruction else {
            updateByTable(bytes)
            return
        }
        let whole = bytes.byteCount & ~7
        var wide = UInt64(register)
        for offset in stride(from: 0, to: whole, by: 8) {
            wide = crc32cWord(wide, unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        register = UInt32(truncatingIfNeeded: wide)
        updateByTable(bytes.extracting(whole..<bytes.byteCount))
    }

    /// Updates the check with further bytes.
    package mutating func update(_ bytes: Span<UInt8>) { unsafe update(bytes.bytes) }

    /// Updates the check with the bytes of `elements`, as in memory.
    package mutating func update<Element: BitwiseCopyable>(_ elements: [Element]) {
        let span = elements.span
        unsafe update(span.bytes)
    }

    /// As `update`, on any processor: one byte per step.
    package mutating func updateByTable(_ bytes: borrowing RawSpan) {
        let table = Self.table.span
        for offset in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            register = register >> 8 ^ table[Int(truncatingIfNeeded: (register ^ UInt32(byte)) & 0xFF)]
        }
    }

    private static var hasInstruction: Bool {
        @inline(__always) get { BUILD_HAS_CRC32 == 1 }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { register, _ in
            register & 1 == 1 ? register >> 1 ^ 0x82F6_3B78 : register >> 1
        }
    }
}
