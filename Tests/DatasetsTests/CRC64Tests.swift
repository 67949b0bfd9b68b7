import Datasets
import Testing

@Suite struct CRC64Tests {
    @Test func matchesThePublishedCheckValue() {
        #expect(CRC64("123456789".utf8).value == 0x995D_C9BB_DF19_39FA)
        #expect(CRC64([]).hexadecimal == "0000000000000000")
    }

    @Test(arguments: [1, 3, 8, 13, 64])
    func doesNotDependOnHowTheBytesAreCut(step: Int) {
        let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 91) }
        var checksum = CRC64()
        for start in stride(from: 0, to: bytes.count, by: step) {
            let part = Array(bytes[start..<min(start + step, bytes.count)])
            checksum.update(part.span)
        }
        #expect(checksum.value == CRC64(bytes).value)
    }
}
