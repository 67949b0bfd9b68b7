import Numerics

/// `offset + scale · (2u − 1)` with `u` from stream (7; test, `stream`): the same numbers in every
/// run.
///
/// Each operation is rounded to single precision, as in `Tests/Fixtures/make_pytorch_fixtures.py`.
package func testValues(count: Int, stream: Int, scale: Float = 1, offset: Float = 0) -> [Float] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return (0..<count).map { _ in
        let unit = 2 * random.uniform() - 1
        return offset + scale * unit
    }
}

/// `2u − 1` with `u` from stream (7; test, `stream`), in double precision.
package func testDoubles(count: Int, stream: Int) -> [Double] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return (0..<count).map { _ in 2 * random.uniformDouble() - 1 }
}

/// A symmetric matrix of `testDoubles`, shape `[D, D]`.
package func testSymmetric(dimension: Int, stream: Int) -> [Double] {
    let values = testDoubles(count: dimension * dimension, stream: stream)
    return values.indices.map { place in
        let (i, j) = (place / dimension, place % dimension)
        return values[min(i, j) * dimension + max(i, j)]
    }
}

/// Labels in `0..<classes` from stream (7; test, `stream`): each word modulo `classes`.
package func testLabels(count: Int, classes: Int, stream: Int) -> [Int32] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return (0..<count).map { _ in Int32(random.nextWord() % UInt32(classes)) }
}

/// Bytes of images `[N, side, side, 3]` whose brightness encodes the class: noise below 128 from
/// stream (7; test, `stream`), plus 12 times the label.
package func testPictures(labels: [Int32], side: Int, stream: Int) -> [[UInt8]] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return labels.map { label in
        (0..<side * side * 3).map { _ in UInt8((random.nextWord() >> 8) % 128) + 12 * UInt8(label) }
    }
}

/// A vector of ±1 from stream (7; test, `stream`, `minor`): −1 if a word's top bit is set.
package func testSigns(count: Int, stream: Int, minor: Int) -> [Double] {
    var random = RandomStream(seed: 7, purpose: .test, stream, minor)
    return (0..<count).map { _ in random.nextWord() >> 31 == 0 ? 1 : -1 }
}

extension Collection where Element == Float {
    /// The elements in double precision.
    package var doubles: [Double] { map(Double.init) }
    /// The elements' bits.
    package var bits: BitPatterns { BitPatterns(self) }
}

extension Collection where Element == Double {
    /// The elements in single precision.
    package var floats: [Float] { map { Float($0) } }
}

/// A hash of every bit of the values and their order, which must agree across builds and
/// processors.
package func fingerprint(_ values: [Double]) -> UInt64 {
    values.reduce(0) { (($0 << 7 | $0 >> 57) ^ $1.bitPattern) &* 0x9E37_79B9_7F4A_7C15 }
}
