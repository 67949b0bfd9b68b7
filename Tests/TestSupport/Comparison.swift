/// `‖a − b‖ / ‖b‖`, or `‖a‖` if `b` is 0; infinite if the counts differ or a value is NaN.
package func relativeError(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    let difference = euclideanNorm(zip(a, b).map { $0 - $1 })
    let reference = euclideanNorm(b)
    let error = reference > 0 ? difference / reference : difference
    return error.isNaN ? .infinity : error
}

/// `‖a − b‖ / ‖b‖` of single-precision values against a reference in double precision.
package func relativeError(_ a: [Float], _ b: [Double]) -> Double { relativeError(a.doubles, b) }

/// `‖values‖₂`.
package func euclideanNorm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
}

/// The sum of products.
package func innerProduct(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "\(a.count) and \(b.count) elements")
    return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

/// The gradient of `function` at `point` by central differences.
///
/// The error is about `step²` times the third derivative plus 1e-16 / `step`: near 1e-10 at the
/// default.
package func finiteDifferenceGradient(
    at point: [Double], step: Double = 1e-5, of function: ([Double]) -> Double
) -> [Double] {
    point.indices.map { i in
        var moved = point
        moved[i] = point[i] + step
        let above = function(moved)
        moved[i] = point[i] - step
        return (above - function(moved)) / (2 * step)
    }
}
