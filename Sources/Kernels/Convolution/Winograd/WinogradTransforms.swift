// The transforms of F(4×4, 3×3) (Lavin, Gray: "Fast algorithms for convolutional neural networks",
// arXiv 1509.09308), with the interpolation points 0, ±5/8, ±3/2 and ∞: half the rounding error of
// 0, ±1, ±2 and ∞.
//
// In one dimension y = Aᵀ[(G g) ⊙ (Bᵀ d)] gives 4 outputs from 6 inputs and 3 weights in 6
// products. Row i of Bᵀ holds the coefficients of Π_{j≠i}(x − pⱼ), row i of G the powers of pᵢ over
// Π_{j≠i}(pᵢ − pⱼ), column i of Aᵀ the powers of pᵢ.

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

/// `Bᵀ d`.
@inline(__always)
func winogradInput(_ d: WinogradSix) -> WinogradSix {
    let evenA = d.m4.addingProduct(-b2, d.m2)
    let oddA = d.m3.addingProduct(-b2, d.m1)
    let evenB = d.m4.addingProduct(-a2, d.m2)
    let oddB = d.m3.addingProduct(-a2, d.m1)
    return WinogradSix(
        m0: d.m4.addingProduct(-a2plusB2, d.m2).addingProduct(a2timesB2, d.m0),
        m1: evenA.addingProduct(a, oddA), m2: evenA.addingProduct(-a, oddA),
        m3: evenB.addingProduct(b, oddB), m4: evenB.addingProduct(-b, oddB),
        m5: d.m5.addingProduct(-a2plusB2, d.m3).addingProduct(a2timesB2, d.m1))
}

/// `Aᵀ m`.
@inline(__always)
func winogradOutput(_ m: WinogradSix) -> WinogradFour {
    let sumA = m.m1 + m.m2
    let differenceA = m.m1 - m.m2
    let sumB = m.m3 + m.m4
    let differenceB = m.m3 - m.m4
    return WinogradFour(
        y0: m.m0 + sumA + sumB,
        y1: (a * differenceA).addingProduct(b, differenceB),
        y2: (a2 * sumA).addingProduct(b2, sumB),
        y3: m.m5.addingProduct(a3, differenceA).addingProduct(b3, differenceB))
}

/// `A y`: the gradient of `winogradOutput`.
@inline(__always)
func winogradOutputGradient(_ y: WinogradFour) -> WinogradSix {
    let evenA = y.y0.addingProduct(a2, y.y2)
    let oddA = (a * y.y1).addingProduct(a3, y.y3)
    let evenB = y.y0.addingProduct(b2, y.y2)
    let oddB = (b * y.y1).addingProduct(b3, y.y3)
    return WinogradSix(
        m0: y.y0, m1: evenA + oddA, m2: evenA - oddA, m3: evenB + oddB, m4: evenB - oddB, m5: y.y3)
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
