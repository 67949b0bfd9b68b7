import Checksums
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CRC32CTests {
    @Test func matchesThePublishedCheckValues() {
        #expect(CRC32C(Array("123456789".utf8).span).value == 0xE306_9283)
        // RFC 3720, appendix B.4.
        #expect(CRC32C([UInt8](repeating: 0, count: 32).span).value == 0x8A91_36AA)
        #expect(CRC32C([UInt8](repeating: 0xFF, count: 32).span).value == 0x62A8_AB43)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 1001])
    func theInstructionAndTheTableAgree(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3) }
        let span = bytes.span
        var plain = CRC32C()
        unsafe plain.updateByTable(span.bytes)
        #expect(CRC32C(span) == plain)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 200])
    func doesNotDependOnHowTheBytesAreCut(cut: Int) {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var parts = CRC32C()
        parts.update(Array(bytes[..<cut]))
        parts.update(Array(bytes[cut...]))
        #expect(CRC32C(bytes.span) == parts)
    }

    @Test func everyFlippedBitIsSeen() {
        var bytes = [UInt8](repeating: 0x5A, count: 33)
        let whole = CRC32C(bytes.span)
        for bit in 0..<8 * 33 {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(CRC32C(bytes.span) != whole)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }
}
