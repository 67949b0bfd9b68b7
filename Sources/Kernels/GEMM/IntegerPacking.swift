// Values as integers: `value = integer · scale`, with one scale, a power of two, for each row of a
// product's left and each column of its right operand. A scale follows from the largest value, so
// nothing is clamped. Two integers of 16 bits are a pair, which takes the place of a float.

/// The scale of a row or a column.
private struct IntegerScale {
    /// What values are multiplied by before they are rounded.
    let factor: Vector
    /// What sums are multiplied by; NaN if a value is NaN or infinite.
    let inverse: Vector

    /// - Parameters:
    ///   - magnitude: The largest bits of a value without its sign.
    ///   - bits: Bits of an integer with its sign. Those of 14 bits are at most 8,191, so that sums of
    ///     32 products are exact, those of 13 bits 4,095, for sums of 128 products.
    @inline(__always)
    init(magnitude: SIMD16<UInt32>, bits: UInt32) {
        let isFinite = magnitude .< SIMD16(repeating: 0x7f80_0000)
        // A value close below a power of two must not be rounded up to it.
        let raised = (magnitude &+ SIMD16(repeating: 0x800)) &>> 23
        // From 2⁻¹⁰⁰ on, as a factor must be a number; zeros have any scale.
        let low = SIMD16<UInt32>(repeating: 27)
        let exponent = raised.replacing(with: low, where: raised .< low)
        factor = Vector(bits: (SIMD16(repeating: 254 + bits - 2) &- exponent) &<< 23)
        inverse = Vector(bits: (exponent &- SIMD16(repeating: bits - 2)) &<< 23)
            .replacing(with: .nan, where: .!isFinite)
    }

    /// Pairs of the nearest integers, ties to even: `lower` in the lower, `upper` in the upper bits.
    @inline(__always)
    func pairs(_ lower: Vector, _ upper: Vector) -> Vector {
        Vector(bits: integers(lower) & SIMD16(repeating: 0xffff) | integers(upper) &<< 16)
    }

    /// The integers in the lower 16 bits.
    @inline(__always)
    private func integers(_ values: Vector) -> SIMD16<UInt32> {
        // The lower 16 bits of 1.5 · 2²³ are zeros, and from there on the last bit stands for 1.
        Vector(repeating: 0x1.8p23).addingProduct(values, factor).bits
    }
}

/// Integers' bits.
enum IntegerBits {
    /// Sums of 32 products are exact.
    static let product: UInt32 = 14
    /// Sums of 128 products are exact.
    static let outerProduct: UInt32 = 13
}

/// Floats as which `inner` elements of a row or a column are stored as pairs: elements 32 i + j and
/// 32 i + 16 + j are pair 16 i + j.
@inline(__always)
func pairCount(_ inner: Int) -> Int { (inner + 2 * vectorWidth - 1) / (2 * vectorWidth) * vectorWidth }

/// Overwrites row tiles with tiles of pairs.
///
/// - Parameters:
///   - tiles: From 0 on shape `[⌈rows / tileRows⌉, inner / 16, tileRows, 16]`; each tile stays at its
///     place.
///   - inner: A multiple of 16; an odd number of chunks is completed by zeros.
///   - place: Where the rows' scales are stored.
func packIntegerRows(_ tiles: inout MutableSpan<Float>, rows: Int, inner: Int, scalesAt place: Int) {
    let chunk = tileRows * vectorWidth
    for row in 0..<rows {
        let start = rowTilePlace(row: row, inner: inner)
        packIntegerRow(
            &tiles, from: start, step: chunk, chunks: inner / vectorWidth, to: start, step: chunk,
            scaleAt: place + row)
    }
}

/// Stores a row's chunks of sixteen values as pairs, which may take the place of its first half.
///
/// - Parameters:
///   - start: Where the row's first chunk is; the others follow `step` elements apart.
///   - chunks: An odd number of them is completed by zeros.
///   - target: Where the first pairs are stored; the others follow `targetStep` elements apart.
///   - place: Where the row's scale is stored.
@inline(__always)
func packIntegerRow(
    _ values: inout MutableSpan<Float>, from start: Int, step: Int, chunks: Int, to target: Int,
    step targetStep: Int, scaleAt place: Int
) {
    var largest = SIMD16<UInt32>()
    for c in 0..<chunks { largest = larger(largest, magnitude(values.vector(at: start + c * step))) }
    let scale = IntegerScale(magnitude: SIMD16(repeating: maximum(largest)), bits: IntegerBits.product)
    values.put(scale.inverse[0], at: place)
    for c in stride(from: 0, to: chunks - 1, by: 2) {
        values.store(
            scale.pairs(values.vector(at: start + c * step), values.vector(at: start + (c + 1) * step)),
            at: target + c / 2 * targetStep)
    }
    guard !chunks.isMultiple(of: 2) else { return }
    values.store(
        scale.pairs(values.vector(at: start + (chunks - 1) * step), Vector()),
        at: target + chunks / 2 * targetStep)
}

/// Stores a column panel as pairs, which may take the place of its first half.
///
/// - Parameters:
///   - values: From `start` on shape `[inner, 16]`.
///   - target: Where the pairs are stored, shape `[pairCount(inner), 16]`; at `start` if nil.
///   - inner: Any number; what is missing to whole pairs of sixteen is taken as zeros.
///   - place: Where the sixteen columns' scales are stored.
func packIntegerColumns(
    _ values: inout MutableSpan<Float>, at start: Int = 0, to target: Int? = nil, inner: Int, bits: UInt32,
    scalesAt place: Int
) {
    var largest = SIMD16<UInt32>()
    for k in 0..<inner { largest = larger(largest, magnitude(values.vector(at: start + k * vectorWidth))) }
    let scale = IntegerScale(magnitude: largest, bits: bits)
    for k in stride(from: 0, to: inner, by: 2 * vectorWidth) {
        let own = start + k * vectorWidth
        let count = min(inner - k, 2 * vectorWidth)
        @inline(__always)
        func store(_ j: Int, _ lower: Vector, _ upper: Vector) {
            values.store(scale.pairs(lower, upper), at: (target ?? start) + (k / 2 + j) * vectorWidth)
        }
        @inline(__always)
        func value(_ j: Int) -> Vector { values.vector(at: own + j * vectorWidth) }
        guard count == 2 * vectorWidth else {
            for j in 0..<vectorWidth {
                store(
                    j, j < count ? value(j) : Vector(),
                    j + vectorWidth < count ? value(j + vectorWidth) : Vector())
            }
            continue
        }
        for j in 0..<vectorWidth { store(j, value(j), value(j + vectorWidth)) }
    }
    values.store(scale.inverse, at: place)
}

@inline(__always)
private func magnitude(_ value: Vector) -> SIMD16<UInt32> { value.bits & SIMD16(repeating: 0x7fff_ffff) }

@inline(__always)
private func larger(_ a: SIMD16<UInt32>, _ b: SIMD16<UInt32>) -> SIMD16<UInt32> {
    a.replacing(with: b, where: b .> a)
}

@inline(__always)
private func maximum(_ values: SIMD16<UInt32>) -> UInt32 {
    let eight = values.lowHalf.replacing(with: values.highHalf, where: values.highHalf .> values.lowHalf)
    let four = eight.lowHalf.replacing(with: eight.highHalf, where: eight.highHalf .> eight.lowHalf)
    let two = four.lowHalf.replacing(with: four.highHalf, where: four.highHalf .> four.lowHalf)
    return max(two[0], two[1])
}
