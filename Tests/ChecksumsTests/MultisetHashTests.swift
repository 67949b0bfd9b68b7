import Checksums
import Foundation
import Testing

@Suite(.timeLimit(.minutes(30)))
struct MultisetHashTests {
    @Test func orderAndPartsDoNotMatter() {
        var parts = [MultisetHash(), MultisetHash(), MultisetHash()]
        for record in (0..<101).reversed() { parts[record * 7 % 3].add(record) }
        var sum = MultisetHash()
        for part in parts { sum.add(part) }
        #expect(sum == MultisetHash(all: 101))
        #expect(sum != MultisetHash(all: 100))
    }

    @Test func confusionsThatKeepCountSumAndSquaresAreFound() {
        // 1 + 5 + 6 = 2 + 3 + 7, and both sums of squares are 62.
        var multisetHash = MultisetHash(all: 8)
        var other = MultisetHash()
        for record in [0, 4, 1, 5, 6, 1, 5, 6] { other.add(record) }
        #expect(other.count == multisetHash.count)
        #expect(other != multisetHash)
        // One record is missing, another occurs twice.
        var swapped = MultisetHash()
        for record in 0..<1000 { swapped.add(record == 17 ? 18 : record) }
        multisetHash = MultisetHash(all: 1000)
        #expect(swapped.count == multisetHash.count && swapped.hash != multisetHash.hash)
    }

    @Test func itIsTheSameInAFile() throws {
        let multisetHash = MultisetHash(all: 1_281_167)
        let data = try JSONEncoder().encode(multisetHash)
        #expect(try JSONDecoder().decode(MultisetHash.self, from: data) == multisetHash)
        #expect(multisetHash.hexadecimal == "a5df98fb2ce65dc4")
    }

    @Test func theHashIsThatOfSplitMix64() {
        // The first output of SplitMix64 from state 0.
        #expect(MultisetHash(all: 1).hexadecimal == "e220a8397b1dcdaf")
    }
}
