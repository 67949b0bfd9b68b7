internal import CLZMA

/// A 64-bit cyclic redundancy check: CRC-64/XZ (ECMA-182 polynomial, reflected), computed by the XZ
/// library (liblzma), which uses carry-less multiplication if the processor has it.
///
/// It detects every burst of up to 64 damaged bits, and any other damage except for one case in
/// 2⁶⁴.
package struct CRC64: Equatable, Sendable {
    /// The check of all bytes so far. That of "123456789" is 0x995DC9BBDF1939FA.
    package private(set) var value = UInt64(0)

    package init() {}

    /// The check of `bytes`.
    package init(_ bytes: some Sequence<UInt8>) {
        update(Array(bytes))
    }

    /// `value` in 16 lower-case hexadecimal digits.
    package var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Updates the check with further bytes.
    package mutating func update(_ bytes: borrowing RawSpan) {
        unsafe bytes.withUnsafeBytes { bytes in unsafe update(bytes) }
    }

    /// Updates the check with further bytes.
    package mutating func update(_ bytes: Span<UInt8>) { unsafe update(bytes.bytes) }

    /// Updates the check with the bytes of `elements`, as in memory.
    package mutating func update<Element: BitwiseCopyable>(_ elements: [Element]) {
        unsafe elements.withUnsafeBytes { bytes in unsafe update(bytes) }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        value = unsafe lzma_crc64(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, value)
    }
}
