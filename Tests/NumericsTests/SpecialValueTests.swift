import Numerics
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SpecialValueTests {
    private static let infinity = Double.infinity

    @Test func exponentialsEnds() {
        #expect(exponential(0.0) == 1 && exponential(-0.0) == 1)
        #expect(exponential(Self.infinity) == Self.infinity && exponential(-Self.infinity) == 0)
        #expect(exponential(710.0) == Self.infinity && exponential(-746.0) == 0)
        #expect(exponential(-745.0) == .leastNonzeroMagnitude)
        #expect(exponential(Double.nan).isNaN)
        #expect(exponential(Float(89)) == .infinity && exponential(Float(-104)) == 0)
    }

    @Test func logarithmsEnds() {
        #expect(logarithm(1.0) == 0 && logarithm(0.0) == -Self.infinity && logarithm(-0.0) == -Self.infinity)
        #expect(logarithm(Self.infinity) == Self.infinity)
        #expect(logarithm(-1.0).isNaN && logarithm(Double.nan).isNaN && logarithm(-Self.infinity).isNaN)
        #expect(logarithm(Double.leastNonzeroMagnitude) == -744.4400719213812)
        #expect(logarithm(Float(0)) == -.infinity)
    }

    @Test(arguments: [
        (0, 2, 0), (0, -1, infinity), (2, infinity, infinity), (0.5, infinity, 0), (2, -infinity, 0),
        (0.5, -infinity, infinity), (infinity, 2, infinity), (infinity, -2, 0), (infinity, 0, 1), (0, 0, 1),
        (1, infinity, 1), (10, 400, infinity), (10, -400, 0), (4, 0.5, 2), (2, -1074, .leastNonzeroMagnitude),
    ])
    func powersEnds(base: Double, exponent: Double, expected: Double) {
        #expect(power(base, exponent) == expected)
        #expect(power(Float(base), Float(exponent)) == Float(expected))
    }

    @Test func powersOfNaN() {
        #expect(power(Double.nan, 1).isNaN && power(2, Double.nan).isNaN && power(-1.0, 2).isNaN)
        #expect(power(Double.nan, 0) == 1 && power(1, Double.nan) == 1)
        #expect(power(Float.nan, 1).isNaN && power(Float(-1), 2).isNaN)
    }

    @Test func anglesEnds() {
        #expect(sine(0.0) == 0 && cosine(0.0) == 1 && cosine(-0.0) == 1)
        #expect(sine(Double.nan).isNaN && cosine(Double.nan).isNaN)
        #expect(sine(Self.infinity).isNaN && cosine(-Self.infinity).isNaN)
        #expect(sine(Double.pi / 2) == 1 && cosine(Double.pi) == -1)
        #expect(sine(Double.pi) == 1.2246467991473532e-16)
    }
}

/// The results' bits are the same on every processor and in every build.
@Suite(.timeLimit(.minutes(30)))
struct GoldenBitsTests {
    /// Rotates and adds, so that the digest depends on each result's bits and position.
    private func digest(_ function: (Double, Double) -> Double) -> UInt64 {
        var numbers = RandomStream(seed: 19, purpose: .test)
        return (0..<100_000).reduce(0) { sum, _ in
            let (x, y) = (numbers.uniformDouble(), numbers.uniformDouble())
            return (sum << 7 | sum >> 57) &+ function(x, y).bitPattern
        }
    }

    @Test func areThoseThatWereCheckedIn() {
        #expect(digest { x, y in exponential(1400 * x - 700) + y } == 11_047_927_074_668_942_354)
        #expect(digest { x, _ in logarithm(x) } == 17_807_667_598_306_083_596)
        #expect(digest { x, _ in sine(200 * x - 100) } == 3_150_952_352_971_722_569)
        #expect(digest { x, _ in cosine(200 * x - 100) } == 601_236_084_558_168_887)
        #expect(digest { x, y in power(10 * x, 20 * y - 10) } == 4_604_972_355_875_262_873)
        #expect(digest { x, y in Double(power(Float(x), Float(4 * y))) } == 15_181_253_486_945_738_019)
    }
}
