/// The eigenvalues of a symmetric tridiagonal matrix by the implicit QL algorithm with Wilkinson's
/// shift.
///
/// Golub, Van Loan: "Matrix Computations", fourth edition, section 8.3.5; Bowdler, Martin, Reinsch,
/// Wilkinson: "The QR and QL algorithms for symmetric matrices", Numerische Mathematik 11, 1968.
/// Each unreduced block is processed from its smaller end, as in LAPACK's `dsteqr`.
struct TridiagonalQL {
    /// The diagonal; after `run` the eigenvalues.
    private(set) var diagonal: [Double]
    /// Element `k` is at `[k, k + 1]`; the last is not used.
    private var offDiagonal: [Double]
    /// An element of at most this size counts as 0 anywhere; 2⁻⁶⁰ times the largest element.
    private let negligible: Double

    init(diagonal: [Double], offDiagonal: [Double]) {
        self.diagonal = diagonal
        self.offDiagonal = offDiagonal
        var largest = 0.0
        for k in diagonal.indices { largest = max(largest, abs(diagonal[k]), abs(offDiagonal[k])) }
        negligible = largest * 0x1p-60
    }

    /// Makes the matrix diagonal and rotates `rows` into its eigenvectors.
    ///
    /// - Parameter rows: `Qᵀ` of a matrix `Q T Qᵀ`; afterwards row `k` is the eigenvector of
    ///   `diagonal[k]`.
    /// - Returns: Whether the iteration converges.
    mutating func run(rotating rows: inout RotatedRows) -> Bool {
        let dimension = diagonal.count
        var batch = RotationBatch()
        var sweepsLeft = 40 * dimension
        var first = 0
        while first < dimension {
            var last = first
            while last < dimension - 1 && !isSplit(last) { last += 1 }
            let block = Block(first, last, startsAtFirst: abs(diagonal[last]) >= abs(diagonal[first]))
            var near = 0
            while near < last - first {
                var far = near
                while far < last - first && !isSplit(block.offDiagonal(far)) { far += 1 }
                guard far > near else {
                    near += 1
                    continue
                }
                guard sweepsLeft > 0 else { return false }
                sweepsLeft -= 1
                batch.beginSweep(start: block.diagonal(far), step: -block.step, length: far - near)
                sweep(block, from: far, to: near, &batch)
                if batch.isFull {
                    rows.rotate(by: batch)
                    batch.removeAll()
                }
            }
            first = last + 1
        }
        rows.rotate(by: batch)
        return true
    }

    /// Whether the matrix decouples after row `k`.
    private func isSplit(_ k: Int) -> Bool {
        let size = abs(offDiagonal[k])
        return size <= (abs(diagonal[k]) + abs(diagonal[k + 1])) * 0x1p-53 || size <= negligible
    }

    /// One step of the iteration: a sweep of rotations over rows `far`, …, `near` of a block.
    private mutating func sweep(_ block: Block, from far: Int, to near: Int, _ batch: inout RotationBatch) {
        let end = block.diagonal(near)
        let beside = offDiagonal[block.offDiagonal(near)]
        let ratio = (diagonal[block.diagonal(near + 1)] - diagonal[end]) / (2 * beside)
        let root = 1.0.addingProduct(ratio, ratio).squareRoot()
        var g =
            diagonal[block.diagonal(far)] - diagonal[end] + beside / (ratio < 0 ? ratio - root : ratio + root)
        var (sine, cosine, shift) = (1.0, 1.0, 0.0)
        for k in stride(from: far - 1, through: near, by: -1) {
            let (upper, lower) = (block.diagonal(k), block.diagonal(k + 1))
            let f = sine * offDiagonal[block.offDiagonal(k)]
            let b = cosine * offDiagonal[block.offDiagonal(k)]
            let radius = hypotenuse(f, g)
            if k + 1 < far { offDiagonal[block.offDiagonal(k + 1)] = radius }
            (sine, cosine) = radius == 0 ? (0, 1) : (f / radius, g / radius)
            g = diagonal[lower] - shift
            let r = (diagonal[upper] - g) * sine + 2 * cosine * b
            shift = sine * r
            diagonal[lower] = g + shift
            g = cosine * r - b
            batch.set(far - 1 - k, cosine: cosine, sine: sine)
        }
        diagonal[end] -= shift
        offDiagonal[block.offDiagonal(near)] = g
    }
}

/// An unreduced block, whose rows are counted from the end at which eigenvalues converge.
private struct Block {
    private let origin: Int
    /// From a row to the next, 1 or −1.
    let step: Int

    init(_ first: Int, _ last: Int, startsAtFirst: Bool) {
        origin = startsAtFirst ? first : last
        step = startsAtFirst ? 1 : -1
    }

    /// Index of row `k`'s diagonal element.
    @inline(__always)
    func diagonal(_ k: Int) -> Int { origin + step * k }

    /// Index of the element between rows `k` and `k + 1`.
    @inline(__always)
    func offDiagonal(_ k: Int) -> Int { step > 0 ? origin + k : origin - k - 1 }
}

/// `√(x² + y²)` of numbers whose squares do not overflow.
@inline(__always)
private func hypotenuse(_ x: Double, _ y: Double) -> Double {
    let square = (x * x).addingProduct(y, y)
    guard square < 0x1p-960 else { return square.squareRoot() }
    // Unscaled squares would be rounded as subnormal numbers.
    let (a, b) = (x * 0x1p500, y * 0x1p500)
    return (a * a).addingProduct(b, b).squareRoot() * 0x1p-500
}
