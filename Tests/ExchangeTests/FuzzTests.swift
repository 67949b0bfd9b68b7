import Exchange
import Foundation
import Numerics
import TestSupport
import Testing

/// Randomly modified files of every format are read or refused, without a crash, and never give
/// more elements than bytes.
///
/// `tools/fuzz-exchange` does the same with libFuzzer for any length of time.
@Suite(.timeLimit(.minutes(30))) struct FuzzTests {
    @Test(arguments: [0, 1, 2, 3]) func aChangedFileIsReadOrRefused(seed: Int) throws {
        let files = ModelFileCase.all.map { [UInt8]($0.file) }
        var random = RandomStream(seed: UInt64(seed), purpose: .test, 0)
        var counts = (read: 0, refused: 0)
        for _ in 0..<1500 {
            var bytes = files[random.integer(below: files.count)]
            for _ in 0...random.integer(below: 4) { change(&bytes, with: files, &random) }
            guard let model = try? ModelFile(bytes: bytes, path: "x") else {
                counts.refused += 1
                continue
            }
            counts.read += 1
            for named in model.tensors {
                #expect(named.tensor.count <= bytes.count)
                #expect(named.tensor.floats().count == named.tensor.count)
            }
        }
        // A change in the weights of a file without checksums, or in a name, leaves a valid file.
        #expect(counts.read > 0 && counts.refused > 100, "\(counts)")
    }

    private func change(
        _ bytes: inout [UInt8], with files: [[UInt8]], _ random: inout RandomStream
    ) {
        guard !bytes.isEmpty else { return }
        let place = random.integer(below: bytes.count)
        switch random.integer(below: 6) {
        case 0: bytes[place] ^= 1 << UInt8(random.integer(below: 8))
        case 1: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][random.integer(below: 5)]
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.integer(below: 64)))
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 64)], at: place)
        case 4: bytes.removeLast(bytes.count - place)
        default:
            let other = files[random.integer(below: files.count)]
            let start = random.integer(below: other.count)
            let part = other[start..<min(other.count, start + 64)]
            bytes.replaceSubrange(place..<min(bytes.count, place + part.count), with: part)
        }
    }
}
