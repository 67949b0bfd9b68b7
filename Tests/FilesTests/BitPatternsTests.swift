import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct BitPatternsTests {
    @Test func theFirstDifferenceIsNamedAndNotALaterOne() {
        let values = (0..<1_000_000).map { Float($0) }
        var other = values
        for place in [7, 900_000] { other[place] = -1 }
        #expect(firstDifferentBits(other, values) == "value 7 of 1000000 is -1.0, expected 7.0")
        #expect(firstDifferentBits(values, values) == nil)
        #expect(firstDifferentBits([0], [-0.0]) == "value 0 of 1 is 0.0, expected -0.0")
        #expect(firstDifferentBits([Float.nan], [Float.nan]) == nil)
        #expect(firstDifference(values.dropLast(), values) == "there are 999999 elements, expected 1000000")
    }

    /// All elements differ, which is the worst case of comparing two collections.
    @Test func aFailingComparisonOfAMillionValuesEnds() {
        let (one, other) = ((0..<1_000_000).map { Float($0) }, (0..<1_000_000).map { -Float($0) - 1 })
        withKnownIssue { #expect(one.bits == other.bits) }
        withKnownIssue { #expect(firstDifferentBits(one, other) == nil) }
        #expect("\(one.bits)" != "\(other.bits)")
    }
}
