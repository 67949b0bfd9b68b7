/// Counter-based random numbers: a pure function of a key and a position, without carried state.
///
/// Philox 4×32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011, doi:10.1145/2063384.2063405). A stream is keyed by a seed and up to three coordinates, for
/// example (seed; purpose, epoch, record); draws within a stream are numbered from 0.
package struct RandomStream: Sendable, RandomNumberGenerator {
    /// The purpose of a stream; streams of different purposes never share numbers.
    package enum Purpose: UInt32, Sendable {
        case initialization = 1
        case order = 2
        case augmentation = 3
        case synthesis = 4
        case test = 5
        /// Whether and with which share a batch is mixed.
        case mixing = 6
        /// The partners of mixed samples.
        case pairing = 7
        case resampling = 8
        /// The Gaussian directions of a random projection.
        case projection = 9
        /// The elements of a feature that are dropped.
        case dropout = 10
        /// The elements of a layer's input that are dropped in training.
        case layerDropout = 11
    }

    let key: SIMD2<UInt32>
    let high: SIMD2<UInt32>
    private(set) var block: UInt64 = 0
    private var words = SIMD4<UInt32>()
    private var used = 4

    /// The stream of `seed`, `purpose` and two coordinates.
    ///
    /// - Parameters:
    ///   - seed: The run's seed, 0 or more.
    ///   - major: A first coordinate, such as an epoch; its lower 28 bits are used.
    ///   - minor: A second coordinate, such as a record; its lower 32 bits are used.
    package init(seed: UInt64, purpose: Purpose, _ major: Int = 0, _ minor: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let coordinate = UInt32(truncatingIfNeeded: major) << 4 | purpose.rawValue
        high = SIMD2(coordinate, UInt32(truncatingIfNeeded: minor))
    }

    /// A stream of other numbers for the same coordinates: it starts at draw `index` · 2³⁴ of this
    /// stream, whatever this stream's position.
    ///
    /// For numbers that are drawn beside a stream's own and must not shift them. A branch of a
    /// branch counts `index` from that branch on.
    package func branch(_ index: Int) -> RandomStream {
        precondition(index >= 0, "index is \(index), expected 0 or more")
        var branch = self
        branch.block = (block >> 32 &+ UInt64(index)) << 32
        branch.used = 4
        return branch
    }

    /// The next 32 random bits.
    package mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = Self.philox(
                counter: SIMD4(
                    UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), high.x, high.y
                ),
                key: key)
            block &+= 1
            used = 0
        }
        defer { used += 1 }
        return words[used]
    }

    package mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// A uniform number in `[0, 1)`, a multiple of 2⁻²⁴, so exact in single precision.
    package mutating func uniform() -> Float {
        Float(nextWord() >> 8) * 0x1p-24
    }

    /// A uniform number in `[0, 1)`, a multiple of 2⁻⁵³.
    package mutating func uniformDouble() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A uniform integer in `0..<bound`, without bias.
    package mutating func integer(below bound: Int) -> Int {
        precondition(bound >= 1, "bound is \(bound), expected 1 or more")
        return Int(next(upperBound: UInt64(bound)))
    }

    /// Ten rounds of Philox 4×32.
    static func philox(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var c = counter
        var k = key
        for _ in 0..<10 {
            let first = UInt64(c[0]) &* 0xD251_1F53
            let second = UInt64(c[2]) &* 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ c[1] ^ k.x, UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ c[3] ^ k.y, UInt32(truncatingIfNeeded: first))
            k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return c
    }
}
