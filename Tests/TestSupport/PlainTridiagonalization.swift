/// The specification of `Tridiagonalization`: the same operations on each element in the same
/// order.
struct PlainTridiagonalization {
    var diagonal: [Double] = []
    var offDiagonal: [Double] = []
    var factors: [Double] = []
    var reflectors: [[Double]] = []

    /// - Parameter matrix: Symmetric.
    init(_ matrix: [[Double]]) {
        var a = matrix
        let n = a.count
        let width = 16
        for first in stride(from: 0, to: n, by: width) {
            var v: [[Double]] = []
            var w: [[Double]] = []
            for k in first..<min(first + width, n) {
                var row = a[k]
                for q in v.indices {
                    let (ownV, ownW) = (v[q][k], w[q][k])
                    for j in k..<n {
                        row[j].addProduct(ownW, v[q][j])
                        row[j].addProduct(ownV, w[q][j])
                    }
                }
                diagonal.append(row[k])
                let (vector, result, factor) = reflector(row, k)
                offDiagonal.append(result)
                factors.append(factor)
                reflectors.append(vector)
                let start = (k + 1) & ~7
                var product = plainSymmetricProduct(a, vector, from: start)
                for q in v.indices {
                    let along = laneProduct(v[q], vector, from: start)
                    let across = laneProduct(w[q], vector, from: start)
                    for j in start..<max(n, start) {
                        product[j].addProduct(across, v[q][j])
                        product[j].addProduct(along, w[q][j])
                    }
                }
                for j in 0...k { product[j] = 0 }
                let half = factor / 2 * factor * laneProduct(product, vector, from: start)
                v.append(vector)
                w.append((0..<n).map { (product[$0] * -factor).addingProduct(half, vector[$0]) })
            }
            for i in min(first + width, n)..<n {
                for j in first + width..<n {
                    for q in v.indices { a[i][j].addProduct(v[q][i], w[q][j]) }
                    for q in v.indices { a[i][j].addProduct(w[q][i], v[q][j]) }
                }
            }
        }
    }

    /// `Qᵀ`.
    func orthogonalRows() -> [[Double]] {
        let n = diagonal.count
        var q = (0..<n).map { row in (0..<n).map { $0 == row ? 1.0 : 0 } }
        for k in stride(from: 0, to: n, by: 4).reversed() {
            let v = (k..<min(k + 4, n)).map { reflectors[$0] }
            var f = v.map { _ in v.map { _ in 0.0 } }
            for i in v.indices {
                f[i][i] = -factors[k + i]
                for a in 0..<i {
                    var sum = 0.0
                    for b in a..<i { sum.addProduct(f[a][b], laneProduct(v[b], v[i], from: (k + i) & ~7)) }
                    f[a][i] = -factors[k + i] * sum
                }
            }
            for column in 0..<n {
                let sums = v.map { vector in
                    (k + 1..<n).reduce(0.0) { $0.addingProduct(vector[$1], q[$1][column]) }
                }
                for i in v.indices {
                    var y = sums[i] * f[i][i]
                    for b in v.indices where b > i { y.addProduct(f[i][b], sums[b]) }
                    for r in k + 1..<n { q[r][column].addProduct(v[i][r], y) }
                }
            }
        }
        return (0..<n).map { row in (0..<n).map { q[$0][row] } }
    }
}

/// The Householder vector `v_k` of a row of the matrix, the off-diagonal element of `T`, and `τ_k`.
private func reflector(_ row: [Double], _ k: Int) -> (vector: [Double], result: Double, factor: Double) {
    var rest = row
    for j in 0..<min(k + 2, row.count) { rest[j] = 0 }
    let head = k + 1 < row.count ? row[k + 1] : 0
    let square = laneProduct(rest, rest, from: 0)
    guard square >= 0x1p-960 else { return (row.map { _ in 0 }, head, 0) }
    let norm = square.addingProduct(head, head).squareRoot()
    let result = head < 0 ? norm : -norm
    let scale = 1 / (head - result)
    var vector = rest.map { $0 * scale }
    vector[k + 1] = 1
    return (vector, result, (result - head) / result)
}

/// `A · x`, in the summation order of `multiplySymmetric`.
private func plainSymmetricProduct(_ a: [[Double]], _ x: [Double], from start: Int) -> [Double] {
    let n = a.count
    var product = [Double](repeating: 0, count: n)
    for j in start..<max(n, start) {
        let block = j & ~7
        for r in start..<block { product[j].addProduct(x[r], a[r][j]) }
        var square = 0.0
        for r in block..<min(block + 8, n) { square.addProduct(x[r], a[r][j]) }
        product[j] += square + laneProduct(a[j], x, from: block + 8)
    }
    return product
}

/// The sum of products from element `start` on: eight chains, one per index modulo 8, then a tree
/// over the chains.
func laneProduct(_ left: [Double], _ right: [Double], from start: Int) -> Double {
    var lanes = [Double](repeating: 0, count: 8)
    for j in start..<max(left.count, start) { lanes[j % 8].addProduct(left[j], right[j]) }
    let four = (0..<4).map { lanes[$0] + lanes[$0 + 4] }
    return (four[0] + four[2]) + (four[1] + four[3])
}
