import Kernels

/// `offset + scale · (2u − 1)` with `u` from stream (7; test, `stream`): the same numbers in every run.
///
/// Each operation is rounded to single precision, as in `Tests/Fixtures/make_pytorch_fixtures.py`.
public func testValues(count: Int, stream: Int, scale: Float = 1, offset: Float = 0) -> [Float] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return (0..<count).map { _ in
        let unit = 2 * random.uniform() - 1
        return offset + scale * unit
    }
}

/// Labels in `0..<classes` from stream (7; test, `stream`): each word modulo `classes`.
public func testLabels(count: Int, classes: Int, stream: Int) -> [Int32] {
    var random = RandomStream(seed: 7, purpose: .test, stream)
    return (0..<count).map { _ in Int32(random.nextWord() % UInt32(classes)) }
}

/// A vector of ±1 from stream (7; test, `stream`, `minor`): −1 where a word's top bit is set.
public func testSigns(count: Int, stream: Int, minor: Int) -> [Double] {
    var random = RandomStream(seed: 7, purpose: .test, stream, minor)
    return (0..<count).map { _ in random.nextWord() >> 31 == 0 ? 1 : -1 }
}

extension Collection where Element == Float {
    /// The elements in double precision.
    public var doubles: [Double] { map(Double.init) }
    /// The elements' bits: what two runs must share to be called equal.
    public var bits: [UInt32] { map(\.bitPattern) }
}

extension Collection where Element == Double {
    /// The elements in single precision.
    public var floats: [Float] { map { Float($0) } }
}
