internal import Memory

/// `Lᵀ (h − o)` in double precision. The bits of a feature's result do not depend on the other
/// features of the call.
struct LinearMap: Sendable {
    /// `L`, shape `[D, R]`.
    private let matrix: [Double]
    /// `Lᵀ o`, shape `[R]`.
    private let origin: [Double]
    /// `R`.
    let rank: Int

    /// - Parameters:
    ///   - directions: The columns of `L`, shape `[R, D]`.
    ///   - origin: `o`, shape `[D]`.
    init(directions: [[Double]], origin: [Double]) {
        let (rank, dimension) = (directions.count, origin.count)
        self.rank = rank
        var matrix = [Double](repeating: 0, count: dimension * rank)
        for (r, direction) in directions.enumerated() {
            for j in 0..<dimension { matrix[j * rank + r] = direction[j] }
        }
        self.matrix = matrix
        self.origin = directions.map { zip($0, origin).reduce(0) { $0 + $1.0 * $1.1 } }
    }

    /// `L v` for vectors `v` of shape `[N, R]`; shape `[N, D]`.
    func transposed(_ vectors: [Double]) -> [Double] {
        guard rank > 0 else { return [] }
        let dimension = matrix.count / rank
        var result: [Double] = []
        result.reserveCapacity(vectors.count / rank * dimension)
        for first in stride(from: 0, to: vectors.count, by: rank) {
            for j in 0..<dimension {
                var sum = 0.0
                for r in 0..<rank { sum += matrix[j * rank + r] * vectors[first + r] }
                result.append(sum)
            }
        }
        return result
    }

    /// The mapped features, shape `[N, R]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func callAsFunction(_ features: Span<Float>) -> [Double] {
        guard rank > 0 else { return [] }
        let dimension = matrix.count / rank
        let count = features.count / dimension
        var result = [Double](repeating: 0, count: count * rank)
        var images = result.mutableSpan
        let matrix = matrix.span
        // Each row of the matrix is used for eight features while it is in the cache.
        for first in stride(from: 0, to: count, by: 8) {
            for j in 0..<dimension {
                let row = matrix.extracting(j * rank..<(j + 1) * rank)
                for sample in first..<min(first + 8, count) {
                    let value = Double(features[sample * dimension + j])
                    var image = images.part(sample * rank..<(sample + 1) * rank)
                    for r in row.indices { image[r] += value * row[r] }
                }
            }
        }
        for sample in 0..<count {
            for r in 0..<rank { images[sample * rank + r] -= origin[r] }
        }
        return result
    }
}
