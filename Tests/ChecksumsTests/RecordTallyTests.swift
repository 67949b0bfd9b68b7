import Checksums
import Foundation
import Testing

@Suite(.timeLimit(.minutes(30)))
struct RecordTallyTests {
    @Test func orderAndPartsDoNotMatter() {
        var parts = [RecordTally(), RecordTally(), RecordTally()]
        for record in (0..<101).reversed() { parts[record * 7 % 3].add(record) }
        var sum = RecordTally()
        for part in parts { sum.add(part) }
        #expect(sum == RecordTally(all: 101))
        #expect(sum != RecordTally(all: 100))
    }

    @Test func confusionsThatKeepCountSumAndSquaresAreFound() {
        // 1 + 5 + 6 = 2 + 3 + 7, and their squares are 62 both.
        var tally = RecordTally(all: 8)
        var other = RecordTally()
        for record in [0, 4, 1, 5, 6, 1, 5, 6] { other.add(record) }
        #expect(other.count == tally.count)
        #expect(other != tally)
        // One left out, another twice.
        var swapped = RecordTally()
        for record in 0..<1000 { swapped.add(record == 17 ? 18 : record) }
        tally = RecordTally(all: 1000)
        #expect(swapped.count == tally.count && swapped.hash != tally.hash)
    }

    @Test func itIsTheSameInAFile() throws {
        let tally = RecordTally(all: 1_281_167)
        let data = try JSONEncoder().encode(tally)
        #expect(try JSONDecoder().decode(RecordTally.self, from: data) == tally)
        #expect(tally.hexadecimal == "a5df98fb2ce65dc4")
    }

    @Test func theHashIsThatOfSplitMix64() {
        // The first output of SplitMix64 from state 0.
        #expect(RecordTally(all: 1).hexadecimal == "e220a8397b1dcdaf")
    }
}
