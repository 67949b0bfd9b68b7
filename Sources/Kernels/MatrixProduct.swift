internal import COpenBLAS

/// Whether a matrix is used as it lies or transposed.
public enum Transposition: Sendable { case none, transposed }

/// Makes the BLAS library run each product on the thread that asks for it.
///
/// The worker pool shares out whole products, and a product cut by the number of threads would give
/// other bits for another number.
public func useOneThreadPerMatrixProduct() { openblas_set_num_threads(1) }

/// The name of the processor core that the BLAS library has chosen its loops for.
public func matrixProductCoreName() -> String {
    unsafe String(cString: openblas_get_corename())
}

/// Overwrites `product` with `left · right`, or adds that to it.
///
/// `product[m, n] (+)= sum over k of left[m, k] · right[k, n]`, all row-major and dense.
///
/// - Parameters:
///   - left: Shape `[M, K]`, or `[K, M]` if `leftUse` is `.transposed`.
///   - right: Shape `[K, N]`, or `[N, K]` if `rightUse` is `.transposed`.
///   - product: Shape `[M, N]`.
///   - accumulates: Whether the product is added to what is there.
public func matrixProduct(
    _ left: Span<Float>, _ leftUse: Transposition,
    _ right: Span<Float>, _ rightUse: Transposition,
    rows m: Int, columns n: Int, inner k: Int,
    into product: inout MutableSpan<Float>, accumulates: Bool = false
) {
    precondition(
        left.count == m * k && right.count == k * n && product.count == m * n,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(m), \(k)] × [\(k), \(n)]")
    guard m > 0 && n > 0 else { return }
    unsafe product.withUnsafeMutableBufferPointer { c in
        unsafe left.withUnsafeBufferPointer { a in
            unsafe right.withUnsafeBufferPointer { b in
                unsafe cblas_sgemm(
                    CblasRowMajor, leftUse == .none ? CblasNoTrans : CblasTrans,
                    rightUse == .none ? CblasNoTrans : CblasTrans, Int32(m), Int32(n), Int32(k), 1,
                    a.baseAddress, Int32(leftUse == .none ? k : m), b.baseAddress,
                    Int32(rightUse == .none ? n : k), accumulates ? 1 : 0, c.baseAddress, Int32(n))
            }
        }
    }
}
