import Checksums
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CRC64Tests {
    @Test func matchesThePublishedCheckValue() {
        var check = CRC64()
        check.update(Array("123456789".utf8))
        #expect(check.value == 0x995D_C9BB_DF19_39FA)
        #expect(check.hexadecimal == "995dc9bbdf1939fa")
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 200])
    func doesNotDependOnHowTheBytesAreCut(cut: Int) {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        var whole = CRC64()
        whole.update(bytes)
        var parts = CRC64()
        parts.update(Array(bytes[..<cut]))
        parts.update(Array(bytes[cut...]))
        #expect(whole == parts)
    }

    @Test func everyFlippedBitIsSeen() {
        var bytes = [UInt8](repeating: 0x5A, count: 32)
        var whole = CRC64()
        whole.update(bytes)
        for bit in 0..<256 {
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            var damaged = CRC64()
            damaged.update(bytes)
            #expect(damaged.value != whole.value)
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        }
    }
}
