// The transforms of a polyphase 3×3 convolution of stride 2, for tiles of 4×4 outputs.
//
// In one dimension y[p] = w0·d[2p] + w1·d[2p + 1] + w2·d[2p + 2]. The outer weights are a filter of
// two taps on the inputs of even index: F(4, 2) with the interpolation points ±3/8, ±5/4 and ∞,
// which have the least rounding error of all pairs of sixteenths. The middle weight is one tap on
// the inputs of odd index. So 4 outputs take 5 + 4 = 9 products instead of 12, and in two
// dimensions 81 instead of 144. The four middle products share their weight: there are (5 + 1)² =
// 36 transformed weights, each of which is used by 1, 4 or 16 of the products.
//
// Matrices are named as in `WinogradTransforms`. The *slot* of a product is its index among the 81;
// products that share a weight have consecutive slots.

/// Products of a tile along one axis.
let polyphaseReach = 9
/// Products of a tile, `9 × 9`.
let polyphaseProducts = 81

private let a: Float = 0.375
private let b: Float = 1.25
/// Squares, cubes and their sums and products; all exact.
private let a2: Float = 0.140625
private let b2: Float = 1.5625
private let a3: Float = 0.052734375
private let b3: Float = 1.953125
private let a2plusB2: Float = 1.703125
private let a2timesB2: Float = 0.2197265625

/// Five vectors: products of the outer weights.
struct PolyphaseFive {
    var m0, m1, m2, m3, m4: Vector
}

/// Nine vectors: a row or a column of a transformed tile.
struct PolyphaseNine {
    var outer: PolyphaseFive
    var middle: WinogradFour

    @inline(__always)
    static var zero: PolyphaseNine {
        PolyphaseNine(
            outer: PolyphaseFive(m0: Vector(), m1: Vector(), m2: Vector(), m3: Vector(), m4: Vector()),
            middle: WinogradFour(y0: Vector(), y1: Vector(), y2: Vector(), y3: Vector()))
    }
}

/// `Bᵀ d`.
@inline(__always)
func polyphaseInput(_ d: PolyphaseFive) -> PolyphaseFive {
    let evenA = d.m2.addingProduct(-b2, d.m0)
    let oddA = d.m3.addingProduct(-b2, d.m1)
    let evenB = d.m2.addingProduct(-a2, d.m0)
    let oddB = d.m3.addingProduct(-a2, d.m1)
    return PolyphaseFive(
        m0: oddA.addingProduct(a, evenA), m1: oddA.addingProduct(-a, evenA),
        m2: oddB.addingProduct(b, evenB), m3: oddB.addingProduct(-b, evenB),
        m4: d.m4.addingProduct(-a2plusB2, d.m2).addingProduct(a2timesB2, d.m0))
}

/// `Aᵀ m`.
@inline(__always)
func polyphaseOutput(_ m: PolyphaseFive) -> WinogradFour {
    let sumA = m.m0 + m.m1
    let differenceA = m.m0 - m.m1
    let sumB = m.m2 + m.m3
    let differenceB = m.m2 - m.m3
    return WinogradFour(
        y0: sumA + sumB,
        y1: (a * differenceA).addingProduct(b, differenceB),
        y2: (a2 * sumA).addingProduct(b2, sumB),
        y3: m.m4.addingProduct(a3, differenceA).addingProduct(b3, differenceB))
}

/// `A y`: the gradient of `polyphaseOutput`.
@inline(__always)
func polyphaseOutputGradient(_ y: WinogradFour) -> PolyphaseFive {
    let evenA = y.y0.addingProduct(a2, y.y2)
    let oddA = (a * y.y1).addingProduct(a3, y.y3)
    let evenB = y.y0.addingProduct(b2, y.y2)
    let oddB = (b * y.y1).addingProduct(b3, y.y3)
    return PolyphaseFive(m0: evenA + oddA, m1: evenA - oddA, m2: evenB + oddB, m3: evenB - oddB, m4: y.y3)
}

/// `1 / (2a(a² − b²))` and so on: the factors of G's rows.
private let normA: Float = 1 / (2 * a * (a2 - b2))
private let normB: Float = 1 / (2 * b * (b2 - a2))

/// The transform of a kernel of stride 2: `G` of the outer weights, followed by the middle weight.
enum StridedKernel: KernelTransform {
    @inline(__always)
    static func weight(_ g0: Vector, _ g1: Vector, _ g2: Vector) -> WinogradSix {
        let (scaledA, scaledB) = (normA * g0, normB * g0)
        return WinogradSix(
            m0: scaledA.addingProduct(normA * a, g2), m1: (normA * a * g2) - scaledA,
            m2: scaledB.addingProduct(normB * b, g2), m3: (normB * b * g2) - scaledB, m4: g2, m5: g1)
    }

    @inline(__always)
    static func weightGradient(_ m: WinogradSix) -> (g0: Vector, g1: Vector, g2: Vector) {
        (
            g0: (normA * (m.m0 - m.m1)).addingProduct(normB, m.m2 - m.m3),
            g1: m.m5,
            g2: m.m4.addingProduct(normA * a, m.m0 + m.m1).addingProduct(normB * b, m.m2 + m.m3)
        )
    }
}

/// The slots of the products that use weight `6 i + j`.
func polyphaseSlots(ofWeight weight: Int) -> Range<Int> {
    let (i, j) = weight.quotientAndRemainder(dividingBy: 6)
    switch (i < 5, j < 5) {
    case (true, true): return 9 * i + j..<9 * i + j + 1
    case (true, false): return 9 * i + 5..<9 * i + 9
    case (false, true): return 45 + 4 * j..<49 + 4 * j
    case (false, false): return 65..<polyphaseProducts
    }
}

/// Memory layout of the 81 values of sixteen channels of a tile.
struct PolyphasePlaces {
    let start: Int
    /// Elements from one slot's values to the next.
    let stride: Int
    /// Elements from one value to the next among those that share a weight.
    let memberStride: Int
    /// Offset, in elements, of these channels' values from those of the first channels for a weight
    /// with one slot; a weight with four slots has four times this offset.
    let panel: Int

    /// Stores row `i` of a transformed tile.
    @inline(__always)
    func storeRow(_ i: Int, _ row: PolyphaseNine, into target: inout MutableSpan<Float>) {
        let (outer, outerStride, middle) =
            i < 5
            ? (start + panel + 9 * i * stride, stride, start + 4 * panel + (9 * i + 5) * stride)
            : (
                start + 4 * panel + 45 * stride + (i - 5) * memberStride, 4 * stride,
                start + 16 * panel + 65 * stride + 4 * (i - 5) * memberStride
            )
        target.store(row.outer.m0, at: outer)
        target.store(row.outer.m1, at: outer + outerStride)
        target.store(row.outer.m2, at: outer + 2 * outerStride)
        target.store(row.outer.m3, at: outer + 3 * outerStride)
        target.store(row.outer.m4, at: outer + 4 * outerStride)
        target.store(row.middle.y0, at: middle)
        target.store(row.middle.y1, at: middle + memberStride)
        target.store(row.middle.y2, at: middle + 2 * memberStride)
        target.store(row.middle.y3, at: middle + 3 * memberStride)
    }
}

extension TileVectors {
    /// Overwrites row `i` of a tile with nine columns.
    @inline(__always)
    func setRow(_ i: Int, _ nine: PolyphaseNine) {
        self[9 * i] = nine.outer.m0
        self[9 * i + 1] = nine.outer.m1
        self[9 * i + 2] = nine.outer.m2
        self[9 * i + 3] = nine.outer.m3
        self[9 * i + 4] = nine.outer.m4
        self[9 * i + 5] = nine.middle.y0
        self[9 * i + 6] = nine.middle.y1
        self[9 * i + 7] = nine.middle.y2
        self[9 * i + 8] = nine.middle.y3
    }
}
