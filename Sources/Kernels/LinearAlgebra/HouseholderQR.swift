internal import Memory

/// The factorisation `A = Q R` of a matrix with at least as many rows as columns, by Householder
/// reflections.
///
/// Golub, Van Loan: "Matrix Computations", fourth edition, section 5.2.2. Runs on this thread in a
/// fixed order.
struct HouseholderQR {
    private let length: Int
    private let count: Int
    /// `length` rounded up to whole vectors.
    private let stride: Int
    /// Row `k` begins with column `k` of `R`; shape `[count, stride]`.
    private let columns: [Double]
    /// Row `k` holds `v_k`, which is 0 before element `k`; shape `[count, stride]`.
    private let reflectors: [Double]
    /// `τ`, shape `[count]`.
    private let factors: [Double]

    /// - Parameters:
    ///   - length: Rows of the matrix.
    ///   - count: Columns, not more than rows.
    ///   - element: Returns an element of the matrix; the largest one is about 1.
    init(length: Int, count: Int, element: (_ row: Int, _ column: Int) -> Double) {
        precondition(count <= length, "\(count) columns of \(length) rows")
        let stride = paddedToDoubleVectors(length)
        var columns = [Double](repeating: 0, count: count * stride)
        var reflectors = columns
        var columnSpan = columns.mutableSpan
        var reflectorSpan = reflectors.mutableSpan
        for k in 0..<count {
            for j in 0..<length { columnSpan[k * stride + j] = element(j, k) }
        }
        var factors: [Double] = []
        for k in 0..<count {
            let start = k & ~7
            var reflector = reflectorSpan.part(k * stride + start..<(k + 1) * stride)
            for j in k + 1..<stride { reflector[j - start] = columnSpan[k * stride + j] }
            let reflection = Reflection(
                head: columnSpan[k * stride + k], squaredRest: dotProduct(reflector.span, reflector.span))
            for j in reflector.indices { reflector[j] *= reflection.scale }
            reflector[k - start] = 1
            factors.append(reflection.factor)
            columnSpan[k * stride + k] = reflection.result
            for c in k + 1..<count {
                var column = columnSpan.part(c * stride + start..<(c + 1) * stride)
                reflect(&column, by: reflector.span, reflection.factor)
            }
        }
        self.length = length
        self.count = count
        self.stride = stride
        self.columns = columns
        self.reflectors = reflectors
        self.factors = factors
    }

    /// An element of `R`.
    func triangle(_ row: Int, _ column: Int) -> Double { row <= column ? columns[column * stride + row] : 0 }

    /// `Q · vector`, or `Qᵀ · vector`, shape `[length]`.
    ///
    /// - Parameter vector: At most `length` elements; missing ones are 0.
    func product(_ vector: [Double], transposed: Bool) -> [Double] {
        var result = vector + [Double](repeating: 0, count: stride - vector.count)
        var span = result.mutableSpan
        for index in 0..<count {
            let k = transposed ? index : count - 1 - index
            var part = span.part(k & ~7..<stride)
            let reflector = reflectors.span.extracting(k * stride + (k & ~7)..<(k + 1) * stride)
            reflect(&part, by: reflector, factors[k])
        }
        return Array(result.prefix(length))
    }
}

/// Subtracts `τ (vᵀ x) v` from `x`.
private func reflect(_ x: inout MutableSpan<Double>, by reflector: Span<Double>, _ factor: Double) {
    accumulate(-factor * dotProduct(reflector, x.span), reflector, into: &x)
}
