// The transforms of F(4×4, 3×3) (Lavin, Gray: "Fast algorithms for convolutional neural networks",
// arXiv 1509.09308), with the interpolation points 0, ±5/8, ±3/2 and ∞: half the rounding error of
// 0, ±1, ±2 and ∞.
//
// In one dimension y = Aᵀ[(G g) ⊙ (Bᵀ d)] gives 4 outputs from 6 inputs and 3 weights in 6
// products. Row i of Bᵀ holds the coefficients of Π_{j≠i}(x − pⱼ), row i of G the powers of pᵢ over
// Π_{j≠i}(pᵢ − pⱼ), column i of Aᵀ the powers of pᵢ.
//
// Shorter tiles leave out points: of three outputs −3/2 (point 4), of two ±3/2 (points 3 and 4). With
// row i of Bᵀ multiplied by pᵢ − p for each p left out, G stays as it is, and all tiles share the
// transformed weights.

/// Outputs of a tile along one axis.
let winogradTile = 4
/// Inputs of a tile along one axis.
let winogradReach = 6
/// Products of a tile, `6 × 6`.
let winogradProducts = 36

private let a: Float = 0.625
private let b: Float = 1.5
/// Squares, cubes and their sums and products; all exact.
private let a2: Float = 0.390625
private let b2: Float = 2.25
private let a3: Float = 0.244140625
private let b3: Float = 3.375
private let a2plusB2: Float = 2.640625
private let a2timesB2: Float = 0.87890625
/// `a + b`, `b − a`, `2b`, `a² − b²`; all exact.
private let aPlusB: Float = 2.125
private let bMinusA: Float = 0.875
private let twoB: Float = 3
private let a2minusB2: Float = -1.859375

/// Six vectors: a row or a column of a transformed tile.
struct WinogradSix {
    var m0, m1, m2, m3, m4, m5: Vector

    @inline(__always)
    static var zero: WinogradSix {
        WinogradSix(
            m0: Vector(), m1: Vector(), m2: Vector(), m3: Vector(), m4: Vector(), m5: Vector())
    }
}

/// Four vectors: a row or a column of a tile of outputs.
struct WinogradFour {
    var y0, y1, y2, y3: Vector
}

/// `Bᵀ d` of a tile that is `shortening` outputs shorter than four; the values at points that it lacks
/// are of no meaning.
@inline(__always)
func winogradInput(_ d: WinogradSix, shortening: Int) -> WinogradSix {
    switch shortening {
    case 0:
        let evenA = d.m4.addingProduct(-b2, d.m2)
        let oddA = d.m3.addingProduct(-b2, d.m1)
        let evenB = d.m4.addingProduct(-a2, d.m2)
        let oddB = d.m3.addingProduct(-a2, d.m1)
        return WinogradSix(
            m0: d.m4.addingProduct(-a2plusB2, d.m2).addingProduct(a2timesB2, d.m0),
            m1: evenA.addingProduct(a, oddA), m2: evenA.addingProduct(-a, oddA),
            m3: evenB.addingProduct(b, oddB), m4: evenB.addingProduct(-b, oddB),
            m5: d.m5.addingProduct(-a2plusB2, d.m3).addingProduct(a2timesB2, d.m1))
    case 1:
        // Multiplied by x − b.
        let (e0, e1) = (d.m1.addingProduct(-b, d.m0), d.m2.addingProduct(-b, d.m1))
        let (e2, e3) = (d.m3.addingProduct(-b, d.m2), d.m4.addingProduct(-b, d.m3))
        let m3 = twoB * d.m3.addingProduct(-a2, d.m1)
        return WinogradSix(
            m0: b * e2.addingProduct(-a2, e0), m1: aPlusB * e2.addingProduct(a, e1),
            m2: bMinusA * e2.addingProduct(-a, e1), m3: m3, m4: m3, m5: e3.addingProduct(-a2, e1))
    default:
        let m1 = a2minusB2 * d.m2.addingProduct(a, d.m1)
        return WinogradSix(
            m0: -b2 * d.m2.addingProduct(-a2, d.m0), m1: m1,
            m2: a2minusB2 * d.m2.addingProduct(-a, d.m1), m3: m1, m4: m1,
            m5: d.m3.addingProduct(-a2, d.m1))
    }
}

/// `Aᵀ m`; outputs that a shorter tile lacks are of no meaning.
@inline(__always)
func winogradOutput(_ m: WinogradSix, shortening: Int) -> WinogradFour {
    let sumA = m.m1 + m.m2
    let differenceA = m.m1 - m.m2
    switch shortening {
    case 0:
        let sumB = m.m3 + m.m4
        let differenceB = m.m3 - m.m4
        return WinogradFour(
            y0: m.m0 + sumA + sumB,
            y1: (a * differenceA).addingProduct(b, differenceB),
            y2: (a2 * sumA).addingProduct(b2, sumB),
            y3: m.m5.addingProduct(a3, differenceA).addingProduct(b3, differenceB))
    case 1:
        let y2 = m.m5.addingProduct(a2, sumA).addingProduct(b2, m.m3)
        return WinogradFour(
            y0: m.m0 + sumA + m.m3, y1: (a * differenceA).addingProduct(b, m.m3), y2: y2, y3: y2)
    default:
        let y1 = m.m5.addingProduct(a, differenceA)
        return WinogradFour(y0: m.m0 + sumA, y1: y1, y2: y1, y3: y1)
    }
}

/// `A y`: the gradient of `winogradOutput`.
@inline(__always)
func winogradOutputGradient(_ y: WinogradFour, shortening: Int) -> WinogradSix {
    switch shortening {
    case 0:
        let evenA = y.y0.addingProduct(a2, y.y2)
        let oddA = (a * y.y1).addingProduct(a3, y.y3)
        let evenB = y.y0.addingProduct(b2, y.y2)
        let oddB = (b * y.y1).addingProduct(b3, y.y3)
        return WinogradSix(
            m0: y.y0, m1: evenA + oddA, m2: evenA - oddA, m3: evenB + oddB, m4: evenB - oddB, m5: y.y3)
    case 1:
        let evenA = y.y0.addingProduct(a2, y.y2)
        let oddA = a * y.y1
        let m3 = y.y0.addingProduct(b, y.y1).addingProduct(b2, y.y2)
        return WinogradSix(m0: y.y0, m1: evenA + oddA, m2: evenA - oddA, m3: m3, m4: m3, m5: y.y2)
    default:
        let m1 = y.y0.addingProduct(a, y.y1)
        return WinogradSix(
            m0: y.y0, m1: m1, m2: y.y0.addingProduct(-a, y.y1), m3: m1, m4: m1, m5: y.y1)
    }
}

/// `1 / (2a²(a² − b²))` and so on: the factors of G's rows.
private let normZero: Float = 1 / a2timesB2
private let normA: Float = 1 / (2 * a2 * (a2 - b2))
private let normB: Float = 1 / (2 * b2 * (b2 - a2))

/// A transform of the three weights along an axis into six.
protocol KernelTransform: SendableMetatype {
    /// `G g`.
    static func weight(_ g0: Vector, _ g1: Vector, _ g2: Vector) -> WinogradSix

    /// `Gᵀ m`: the gradient of `weight`.
    static func weightGradient(_ m: WinogradSix) -> (g0: Vector, g1: Vector, g2: Vector)
}

/// The transform of a kernel of stride 1.
enum DenseKernel: KernelTransform {
    @inline(__always)
    static func weight(_ g0: Vector, _ g1: Vector, _ g2: Vector) -> WinogradSix {
        let evenA = normA * g0.addingProduct(a2, g2)
        let oddA = (normA * a) * g1
        let evenB = normB * g0.addingProduct(b2, g2)
        let oddB = (normB * b) * g1
        return WinogradSix(
            m0: normZero * g0, m1: evenA + oddA, m2: evenA - oddA, m3: evenB + oddB, m4: evenB - oddB, m5: g2)
    }

    @inline(__always)
    static func weightGradient(_ m: WinogradSix) -> (g0: Vector, g1: Vector, g2: Vector) {
        let sumA = normA * (m.m1 + m.m2)
        let differenceA = (normA * a) * (m.m1 - m.m2)
        let sumB = normB * (m.m3 + m.m4)
        let differenceB = (normB * b) * (m.m3 - m.m4)
        return (
            g0: (sumA + sumB).addingProduct(normZero, m.m0), g1: differenceA + differenceB,
            g2: m.m5.addingProduct(a2, sumA).addingProduct(b2, sumB)
        )
    }
}

/// The vectors of one tile between its two transforms, on the stack, since they do not fit into
/// registers.
@safe struct TileVectors {
    private let base: UnsafeMutablePointer<Vector>

    /// Calls `body` with room for `count` vectors.
    @inline(__always)
    static func with(count: Int, _ body: (TileVectors) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: Vector.self, capacity: count) {
            unsafe body(TileVectors(base: $0.baseAddress.unsafelyUnwrapped))
        }
    }

    /// The vector at `index`, which must be below the count and is not checked.
    @inline(__always)
    subscript(index: Int) -> Vector {
        get { unsafe base[index] }
        nonmutating set { unsafe base[index] = newValue }
    }

    /// Overwrites row `i` of a tile with six columns.
    @inline(__always)
    func setRow(_ i: Int, _ six: WinogradSix) {
        self[6 * i] = six.m0
        self[6 * i + 1] = six.m1
        self[6 * i + 2] = six.m2
        self[6 * i + 3] = six.m3
        self[6 * i + 4] = six.m4
        self[6 * i + 5] = six.m5
    }

    /// Row `i` of a tile with six columns.
    @inline(__always)
    func row(_ i: Int) -> WinogradSix {
        WinogradSix(
            m0: self[6 * i], m1: self[6 * i + 1], m2: self[6 * i + 2], m3: self[6 * i + 3],
            m4: self[6 * i + 4], m5: self[6 * i + 5])
    }

    /// Column `j` of a tile with six rows and six columns.
    @inline(__always)
    func column(_ j: Int) -> WinogradSix {
        WinogradSix(
            m0: self[j], m1: self[6 + j], m2: self[12 + j], m3: self[18 + j], m4: self[24 + j],
            m5: self[30 + j])
    }
}
