import Numerics
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct RandomStreamTests {
    /// Test vectors of Random123's `kat_vectors` for philox4x32 with 10 rounds.
    @Test func thePlainTwinGivesTheKnownAnswers() {
        let ones = UInt32.max
        #expect(
            plainPhilox(counter: [0, 0, 0, 0], key: [0, 0])
                == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
        #expect(
            plainPhilox(counter: [ones, ones, ones, ones], key: [ones, ones])
                == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
        #expect(
            plainPhilox(
                counter: [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                key: [0xa409_3822, 0x299f_31d0]) == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
    }

    @Test(arguments: [0, 7, 0x299f_31d0_a409_3822] as [UInt64], [(0, 0), (3, 9), (0xfff_ffff, 0xffff_ffff)])
    func wordsAreThePlainTwinsBlockByBlock(seed: UInt64, place: (major: Int, minor: Int)) {
        var stream = RandomStream(seed: seed, purpose: .augmentation, place.major, place.minor)
        let words = (0..<11).map { _ in stream.nextWord() }
        let key = [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)]
        let high = [UInt32(place.major) << 4 | 3, UInt32(place.minor)]
        let expected = (0..<3).flatMap { plainPhilox(counter: [$0, 0] + high, key: key) }
        #expect(words == Array(expected.prefix(11)))
    }

    /// Word `j` at place `i` of group `g` is word `j` of block `16 g + i`.
    @Test(arguments: [0, 1, 0xfff_ffff], [0, 5])
    func groupsAreBlocksOfTheStream(group: Int, branch: Int) {
        let stream = RandomStream(seed: 0x299f_31d0_a409_3822, purpose: .layerDropout, 9, 4)
            .branch(branch)
        let words = stream.group(group)
        for place in 0..<16 {
            let block = UInt32(16 * group + place)
            let expected = plainPhilox(
                counter: [block, UInt32(branch), 9 << 4 | 11, 4], key: [0xa409_3822, 0x299f_31d0])
            #expect([words.0[place], words.1[place], words.2[place], words.3[place]] == expected)
        }
    }

    @Test func streamsOfDifferentCoordinatesDiffer() {
        let streams = [
            RandomStream(seed: 7, purpose: .test), RandomStream(seed: 8, purpose: .test),
            RandomStream(seed: 7 + 1 << 32, purpose: .test), RandomStream(seed: 7, purpose: .order),
            RandomStream(seed: 7, purpose: .test, 1), RandomStream(seed: 7, purpose: .test, 0, 1),
        ]
        let starts = streams.map { stream in
            var own = stream
            return own.next()
        }
        #expect(Set(starts).count == starts.count)
    }

    @Test func uniformNumbersAreTheTopBitsOfTheWords() {
        var words = RandomStream(seed: 7, purpose: .test, 1)
        var numbers = words
        for _ in 0..<100 {
            #expect(numbers.uniform() == Float(words.nextWord() >> 8) / 16_777_216)
        }
    }

    @Test func uniformNumbersFillTheUnitInterval() {
        var stream = RandomStream(seed: 7, purpose: .test, 2)
        let count = 100_000
        let values = (0..<count).map { _ in stream.uniformDouble() }
        let mean = values.reduce(0, +) / Double(count)
        let square = values.reduce(0) { $0 + $1 * $1 } / Double(count)
        // Five standard errors of the mean and of the mean square.
        #expect(abs(mean - 0.5) < 5 * (1.0 / 12 / Double(count)).squareRoot())
        #expect(abs(square - 1.0 / 3) < 5 * (4.0 / 45 / Double(count)).squareRoot())
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    }

    @Test(arguments: [1, 3, 10, 1_000_003])
    func integersAreBelowTheirBoundAndReachBothEnds(bound: Int) {
        var stream = RandomStream(seed: 7, purpose: .test, 3)
        let values = (0..<2000).map { _ in stream.integer(below: bound) }
        #expect(values.allSatisfy { 0..<bound ~= $0 })
        #expect((values.min() ?? bound) * 100 <= bound)
        #expect((values.max() ?? 0) * 100 >= (bound - 1) * 99)
    }

    @Test func aBranchHasNumbersOfItsOwnWhereverTheStreamStands() {
        var stream = RandomStream(seed: 7, purpose: .test, 1, 2)
        let fresh = stream.branch(1)
        let own = (0..<9).map { _ in stream.nextWord() }
        #expect(stream.branch(1).words(9) == fresh.words(9))
        // From block 2³² on, the second word of the counter is 1.
        let expected = (0..<3).flatMap { plainPhilox(counter: [$0, 1, 1 << 4 | 5, 2], key: [7, 0]) }
        #expect(fresh.words(12) == expected)
        #expect(stream.branch(0).words(9) == own)
        #expect(stream.branch(2).branch(1).words(4) == stream.branch(3).words(4))
        #expect(Set((0..<4).map { stream.branch($0).words(2) }).count == 4)
    }
}

extension RandomStream {
    fileprivate func words(_ count: Int) -> [UInt32] {
        var copy = self
        return (0..<count).map { _ in copy.nextWord() }
    }
}
