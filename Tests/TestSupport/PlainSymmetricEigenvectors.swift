/// The specification of `SymmetricEigenvectors`, to the bit: the same operations on each element in
/// the same order, but each rotation is applied at once and to whole rows.
package struct PlainSymmetricEigenvectors {
    package private(set) var values: [Double] = []
    /// Shape `[D, D]`.
    package private(set) var vectors: [Double] = []

    /// - Parameter matrix: Shape `[D, D]`; only the upper triangle is read.
    package init?(of matrix: [Double], dimension n: Int) {
        let largest = (0..<n).flatMap { i in (i..<n).map { abs(matrix[i * n + $0]) } }.max() ?? 0
        let scale = largest > 0 ? 1 / largest.binade : 1
        let square = (0..<n).map { i in (0..<n).map { scale * matrix[min(i, $0) * n + max(i, $0)] } }
        let reduced = PlainTridiagonalization(square)
        var d = reduced.diagonal
        var e = reduced.offDiagonal
        var rows = reduced.orthogonalRows()
        guard plainQL(&d, &e, &rows) else { return nil }
        let order = d.indices.sorted { (d[$0], $0) < (d[$1], $1) }
        values = order.map { d[$0] / scale }
        vectors = order.flatMap { k in
            var largest = 0.0
            for value in rows[k] where abs(value) > abs(largest) { largest = value }
            // Adding 0 turns −0 into +0.
            return rows[k].map { (largest < 0 ? -$0 : $0) + 0 }
        }
    }
}

/// Diagonalises a tridiagonal matrix and applies the rotations to `rows`; returns whether it
/// converges.
private func plainQL(_ d: inout [Double], _ e: inout [Double], _ rows: inout [[Double]]) -> Bool {
    let negligible = (d + e).map(abs).max()! * 0x1p-60
    func isSplit(_ d: [Double], _ e: [Double], _ k: Int) -> Bool {
        abs(e[k]) <= (abs(d[k]) + abs(d[k + 1])) * 0x1p-53 || abs(e[k]) <= negligible
    }
    var sweepsLeft = 40 * d.count
    var first = 0
    while first < d.count {
        var last = first
        while last < d.count - 1 && !isSplit(d, e, last) { last += 1 }
        // The unreduced block, starting at the end with the smaller diagonal element.
        let isReversed = abs(d[last]) < abs(d[first])
        var places = Array(first...last)
        var couplings = Array(first..<last)
        if isReversed {
            places.reverse()
            couplings.reverse()
        }
        var diagonal = places.map { d[$0] }
        var beside = couplings.map { e[$0] }
        var near = 0
        while near < couplings.count {
            var far = near
            while far < couplings.count && !isSplit(diagonal, beside, far) { far += 1 }
            guard far > near else {
                near += 1
                continue
            }
            guard sweepsLeft > 0 else { return false }
            sweepsLeft -= 1
            plainSweep(&diagonal, &beside, from: far, to: near) { k, cosine, sine in
                for c in rows.indices {
                    let (x, y) = (rows[places[k + 1]][c], rows[places[k]][c])
                    rows[places[k + 1]][c] = (sine * y).addingProduct(cosine, x)
                    rows[places[k]][c] = (cosine * y).addingProduct(-sine, x)
                }
            }
        }
        for (k, place) in places.enumerated() { d[place] = diagonal[k] }
        first = last + 1
    }
    return true
}

/// One implicit QL step with Wilkinson's shift; calls `rotate` with each rotation of rows `k + 1`
/// and `k`.
private func plainSweep(
    _ d: inout [Double], _ e: inout [Double], from far: Int, to near: Int,
    rotate: (_ k: Int, _ cosine: Double, _ sine: Double) -> Void
) {
    let ratio = (d[near + 1] - d[near]) / (2 * e[near])
    let root = 1.0.addingProduct(ratio, ratio).squareRoot()
    var g = d[far] - d[near] + e[near] / (ratio < 0 ? ratio - root : ratio + root)
    var (sine, cosine, shift) = (1.0, 1.0, 0.0)
    for k in (near..<far).reversed() {
        let f = sine * e[k]
        let b = cosine * e[k]
        var radius = (f * f).addingProduct(g, g).squareRoot()
        if (f * f).addingProduct(g, g) < 0x1p-960 {
            let (a, b) = (f * 0x1p500, g * 0x1p500)
            radius = (a * a).addingProduct(b, b).squareRoot() * 0x1p-500
        }
        if k + 1 < far { e[k + 1] = radius }
        (sine, cosine) = radius == 0 ? (0, 1) : (f / radius, g / radius)
        g = d[k + 1] - shift
        let r = (d[k] - g) * sine + 2 * cosine * b
        shift = sine * r
        d[k + 1] = g + shift
        g = cosine * r - b
        rotate(k, cosine, sine)
    }
    d[near] -= shift
    e[near] = g
}
