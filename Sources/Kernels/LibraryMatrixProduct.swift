internal import COpenBLAS

/// Makes the BLAS library run each product on the calling thread.
///
/// The worker pool distributes whole products; a product split over threads would have other bits
/// with another number of threads.
package func useOneThreadPerLibraryProduct() { openblas_set_num_threads(1) }

/// The name of the processor core whose kernels the BLAS library uses.
package func libraryCoreName() -> String { unsafe String(cString: openblas_get_corename()) }

/// The version of OpenBLAS; the library's whole description if it has another form.
package func libraryVersion() -> String {
    let text = unsafe String(cString: openblas_get_config())
    let words = text.split(separator: " ")
    return words.count > 1 && words[0] == "OpenBLAS" ? String(words[1]) : text
}

/// Overwrites `product` with `left · right` computed by the BLAS library, or adds to it.
///
/// Only the convolution algorithm `library` uses it, since the library rounds differently on other
/// processors.
///
/// - Parameters:
///   - left: Shape `[M, K]`.
///   - right: Shape `[K, N]`.
///   - product: Shape `[M, N]`.
///   - leftUse: `.transposed` for `left` of shape `[K, M]`.
///   - accumulates: Whether the product is added to what is there.
func libraryMatrixProduct(
    _ left: Span<Float>, _ leftUse: Transposition, _ right: Span<Float>, rows m: Int, columns n: Int,
    inner k: Int, into product: inout MutableSpan<Float>, accumulates: Bool
) {
    precondition(
        left.count == m * k && right.count == k * n && product.count == m * n,
        "\(left.count) × \(right.count) into \(product.count) elements as [\(m), \(k)] × [\(k), \(n)]")
    guard m > 0 && n > 0 else { return }
    unsafe product.withUnsafeMutableBufferPointer { c in
        unsafe left.withUnsafeBufferPointer { a in
            unsafe right.withUnsafeBufferPointer { b in
                unsafe cblas_sgemm(
                    CblasRowMajor, leftUse == .none ? CblasNoTrans : CblasTrans, CblasNoTrans, Int32(m),
                    Int32(n), Int32(k), 1, a.baseAddress, Int32(leftUse == .none ? k : m), b.baseAddress,
                    Int32(n), accumulates ? 1 : 0, c.baseAddress, Int32(n))
            }
        }
    }
}
