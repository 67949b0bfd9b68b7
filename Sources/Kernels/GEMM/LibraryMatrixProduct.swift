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
///   - accumulates: Whether the product is added to what is there.
func libraryMatrixProduct(
    _ left: borrowing StoredMatrix, _ right: borrowing StoredMatrix,
    into product: inout MutableSpan<Float>, accumulates: Bool
) {
    let (m, n, k) = (left.rows, right.columns, left.columns)
    precondition(
        right.rows == k && product.count == m * n,
        "[\(m), \(k)] × [\(right.rows), \(n)] into \(product.count) elements")
    guard m > 0 && n > 0 else { return }
    unsafe product.withUnsafeMutableBufferPointer { c in
        unsafe left.elements.withUnsafeBufferPointer { a in
            unsafe right.elements.withUnsafeBufferPointer { b in
                unsafe cblas_sgemm(
                    CblasRowMajor, left.isTransposed ? CblasTrans : CblasNoTrans,
                    right.isTransposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), 1,
                    a.baseAddress, Int32(left.isTransposed ? m : k), b.baseAddress,
                    Int32(right.isTransposed ? k : n), accumulates ? 1 : 0, c.baseAddress, Int32(n))
            }
        }
    }
}
