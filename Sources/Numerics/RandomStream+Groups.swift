extension RandomStream {
    /// Words of a group.
    package static let groupSize = 64

    /// Sixteen words each of the vectors `0` to `3` of a group.
    package typealias Group = (SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>, SIMD16<UInt32>)

    /// Sixty-four of this stream's words, whatever its position: vector `j` holds word `j` of each of
    /// the sixteen blocks of four words from block `16 · index` on.
    ///
    /// For loops that need a number per element: sixteen blocks are computed at once.
    ///
    /// - Parameter index: Less than 2²⁸.
    package func group(_ index: Int) -> Group {
        let places = SIMD16<UInt32>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
        var c0 = places &+ SIMD16(repeating: UInt32(truncatingIfNeeded: 16 &* index))
        var c1 = SIMD16(repeating: UInt32(truncatingIfNeeded: block >> 32))
        var c2 = SIMD16(repeating: high.x)
        var c3 = SIMD16(repeating: high.y)
        var k = key
        for _ in 0..<10 {
            let (firstHigh, firstLow) = multiply(c0, by: 0xD251_1F53)
            let (secondHigh, secondLow) = multiply(c2, by: 0xCD9E_8D57)
            c0 = secondHigh ^ c1 ^ SIMD16(repeating: k.x)
            c1 = secondLow
            c2 = firstHigh ^ c3 ^ SIMD16(repeating: k.y)
            c3 = firstLow
            k &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return (c0, c1, c2, c3)
    }
}

/// The upper and the lower halves of sixteen products.
@inline(__always)
private func multiply(
    _ values: SIMD16<UInt32>, by factor: UInt32
) -> (high: SIMD16<UInt32>, low: SIMD16<UInt32>) {
    let products =
        SIMD16<UInt64>(truncatingIfNeeded: values) &* SIMD16<UInt64>(repeating: UInt64(factor))
    return (SIMD16(truncatingIfNeeded: products &>> 32), values &* factor)
}
