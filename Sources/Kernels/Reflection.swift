/// A Householder reflection `H = 1 − τ v vᵀ` that makes all but the first element of a vector 0; `v` is 1 there.
///
/// Golub, Van Loan: "Matrix Computations", fourth edition, section 5.1; signs and names are those of LAPACK's `dlarfg`.
struct Reflection {
    /// The first element of the reflected vector.
    let result: Double
    /// `τ`; 0 where nothing is reflected.
    let factor: Double
    /// What the other elements are multiplied by to become those of `v`.
    let scale: Double

    /// - Parameters:
    ///   - head: The first element of the vector.
    ///   - squaredRest: The sum of the squares of the others.
    init(head: Double, squaredRest: Double) {
        // A smaller sum is made of subnormal numbers, whose rounding would leave H no reflection. The elements are nothing beside those of a
        // matrix whose largest is about 1, and become 0.
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
