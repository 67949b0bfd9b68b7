/// A Householder reflection `H = 1 − τ v vᵀ` that zeroes all but the first element of a vector; the
/// first element of `v` is 1.
///
/// Golub, Van Loan: "Matrix Computations", fourth edition, section 5.1; signs and names are those
/// of LAPACK's `dlarfg`.
struct Reflection {
    /// The first element of the reflected vector.
    let result: Double
    /// `τ`; 0 if nothing is reflected.
    let factor: Double
    /// The factor that turns the other elements into those of `v`.
    let scale: Double

    /// - Parameters:
    ///   - head: The first element of the vector.
    ///   - squaredRest: The sum of the squares of the others.
    init(head: Double, squaredRest: Double) {
        // A smaller sum consists of subnormal numbers, whose rounding would make H no reflection.
        // Such elements are negligible in a matrix whose largest element is about 1, and become 0.
        guard squaredRest >= 0x1p-960 else {
            (result, factor, scale) = (head, 0, 0)
            return
        }
        let norm = squaredRest.addingProduct(head, head).squareRoot()
        result = head < 0 ? norm : -norm
        factor = (result - head) / result
        scale = 1 / (head - result)
    }
}
