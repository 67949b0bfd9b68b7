internal import Memory

/// `A = Q T Qᵀ` of a symmetric `A`, with a tridiagonal `T` and `Q = H₀ H₁ … H_{D−1}`,
/// `H_k = 1 − τ_k v_k v_kᵀ`.
///
/// Golub, Van Loan: "Matrix Computations", fourth edition, section 8.3.1, in panels of columns as
/// in LAPACK's `dlatrd`: within a panel the matrix stays unchanged and the rows that are read from
/// it are corrected; at the panel's end all changes are added at once, by register tiles.
struct Tridiagonalization {
    /// The diagonal of `T`, shape `[D]`.
    let diagonal: [Double]
    /// Element `k` is at `[k, k + 1]` of `T`; shape `[D]`, the last is 0.
    let offDiagonal: [Double]
    /// `τ`, shape `[D]`; 0 if nothing is reflected.
    let factors: [Double]
    /// Shape `[stride, stride]`: row `k` holds `v_k`, which is 0 up to column `k` and 1 in the next
    /// column; valid only from column `k` rounded down to a multiple of 8.
    let reflectors: [Double]
    /// Elements from a row of `reflectors` to the next, a multiple of 8.
    let stride: Int

    /// - Parameter matrix: Shape `[D, D]`, of which the upper triangle is read. Its largest element
    ///   is about 1.
    init(_ matrix: Span<Double>, dimension: Int) {
        let stride = (dimension + doubleTileMultiple - 1) / doubleTileMultiple * doubleTileMultiple
        var rows = [Double](repeating: 0, count: stride * stride)
        var span = rows.mutableSpan
        for i in 0..<dimension {
            for j in i & ~7..<i { span[i * stride + j] = matrix[j * dimension + i] }
            for j in i..<dimension { span[i * stride + j] = matrix[i * dimension + j] }
        }
        var diagonal = [Double](repeating: 0, count: dimension)
        var offDiagonal = diagonal
        var factors = diagonal
        var changes = [Double](repeating: 0, count: 3 * ReductionPanel.width * stride)
        var changeSpan = changes.mutableSpan
        var product = [Double](repeating: 0, count: stride)
        var productSpan = product.mutableSpan
        for first in Swift.stride(from: 0, to: dimension, by: ReductionPanel.width) {
            let panel = ReductionPanel(first: first, stride: stride)
            for k in first..<min(first + ReductionPanel.width, dimension) {
                panel.update(row: k, of: &span, changeSpan.span)
                diagonal[k] = span[k * stride + k]
                (offDiagonal[k], factors[k]) = panel.makeReflector(k, dimension, &span, &changeSpan)
                panel.makeProduct(k, factors[k], span.span, &productSpan, &changeSpan)
            }
            panel.addChanges(changeSpan.span, to: &span)
        }
        self.stride = stride
        self.diagonal = diagonal
        self.offDiagonal = offDiagonal
        self.factors = factors
        reflectors = rows
    }
}

/// A panel of columns of the reduction; it adds `V (−W)ᵀ + (−W) Vᵀ` to the matrix.
///
/// `changes` holds the columns of `V`, of `−W` and of `V` again as rows, shape
/// `[3, width, stride]`.
private struct ReductionPanel {
    /// Columns, a multiple of 8.
    ///
    /// Computing the eigenvectors of 2048 dimensions takes 9 % longer with 8, and 2 % longer with
    /// 32.
    static let width = 16

    /// The panel's first column.
    let first: Int
    let stride: Int

    /// Index of the first element of row `k` of `V`.
    private func v(_ k: Int) -> Int { (k - first) * stride }

    /// Index of the first element of row `k` of `−W`.
    private func w(_ k: Int) -> Int { (k - first + Self.width) * stride }

    /// Applies the panel's earlier columns to row `k` of the matrix.
    func update(row k: Int, of rows: inout MutableSpan<Double>, _ changes: Span<Double>) {
        let row = k * stride
        for q in first..<k {
            let (v, w) = (v(q), w(q))
            let (ownV, ownW) = (changes[v + k], changes[w + k])
            for j in Swift.stride(from: k & ~7, to: stride, by: 8) {
                let sum = rows.vector(at: row + j).addingProduct(ownW, changes.vector(at: v + j))
                rows.store(sum.addingProduct(ownV, changes.vector(at: w + j)), at: row + j)
            }
        }
    }

    /// Computes `v_k` from row `k`, and stores it in that row and in `changes`.
    ///
    /// - Returns: The off-diagonal element of `T`, and `τ`.
    func makeReflector(
        _ k: Int, _ dimension: Int, _ rows: inout MutableSpan<Double>, _ changes: inout MutableSpan<Double>
    ) -> (offDiagonal: Double, factor: Double) {
        let head = k + 1 < dimension ? rows[k * stride + k + 1] : 0
        let start = k & ~7
        var row = rows.part(k * stride + start..<(k + 1) * stride)
        for j in 0..<min(k + 2 - start, row.count) { row[j] = 0 }
        let reflection = Reflection(head: head, squaredRest: dotProduct(row.span, row.span))
        for j in Swift.stride(from: 0, to: row.count, by: 8) {
            row.store(row.vector(at: j) * DoubleVector(repeating: reflection.scale), at: j)
        }
        if reflection.factor != 0 { row[k + 1 - start] = 1 }
        for j in Swift.stride(from: 0, to: row.count, by: 8) {
            changes.store(row.vector(at: j), at: v(k) + start + j)
            changes.store(row.vector(at: j), at: w(k) + Self.width * stride + start + j)
        }
        return (reflection.result, reflection.factor)
    }

    /// Computes row `k` of `−W`: `w = τ A v − ½ τ² (vᵀ A v) v`, where `A` is the matrix with the
    /// changes of the earlier columns.
    ///
    /// - Parameter product: Workspace, shape `[stride]`.
    func makeProduct(
        _ k: Int, _ factor: Double, _ rows: Span<Double>, _ product: inout MutableSpan<Double>,
        _ changes: inout MutableSpan<Double>
    ) {
        let start = (k + 1) & ~7
        let row = rows.extracting(k * stride..<(k + 1) * stride)
        let reflector = row.extracting(start...)
        multiplySymmetric(rows, stride: stride, from: start, by: row, into: &product)
        var part = product.part(start..<stride)
        for q in first..<k {
            let earlier = changes.span.extracting(v(q) + start..<v(q) + stride)
            let change = changes.span.extracting(w(q) + start..<w(q) + stride)
            let along = dotProduct(earlier, reflector)
            let across = dotProduct(change, reflector)
            accumulate(across, earlier, into: &part)
            accumulate(along, change, into: &part)
        }
        for j in 0..<k + 1 - start { part[j] = 0 }
        let half = factor / 2 * factor * dotProduct(part.span, reflector)
        for j in Swift.stride(from: 0, to: part.count, by: 8) {
            let scaled = part.vector(at: j) * DoubleVector(repeating: -factor)
            changes.store(scaled.addingProduct(half, reflector.vector(at: j)), at: w(k) + start + j)
        }
    }

    /// Adds the panel's changes to the rest of the matrix, whose elements left of the squares on
    /// the diagonal are not read any more.
    func addChanges(_ changes: Span<Double>, to rows: inout MutableSpan<Double>) {
        precondition(
            rows.count == stride * stride && changes.count == 3 * Self.width * stride
                && stride.isMultiple(of: doubleTileColumns),
            "\(changes.count) changes of \(rows.count) elements")
        unsafe rows.withUnsafeMutableBufferPointer { rows in
            unsafe changes.withUnsafeBufferPointer { changes in
                let rows = unsafe rows.baseAddress.unsafelyUnwrapped
                let left = unsafe changes.baseAddress.unsafelyUnwrapped
                let right = unsafe left + Self.width * stride
                for i in Swift.stride(from: first + Self.width, to: stride, by: doubleTileRows) {
                    let column = (i & ~7) / doubleTileColumns * doubleTileColumns
                    for j in Swift.stride(from: column, to: stride, by: doubleTileColumns) {
                        unsafe addOuterProductTile(
                            left + i, right + j, operandStride: stride, count: 2 * Self.width,
                            into: rows + i * stride + j, stride: stride)
                    }
                }
            }
        }
    }
}
