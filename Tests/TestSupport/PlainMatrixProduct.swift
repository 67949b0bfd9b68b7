package import Kernels

/// The specification of `matrixProduct`, to the bit: `[M, K] · [K, N]`, either side given
/// transposed, each element a chain of fused multiply-adds over `K` in order.
package func plainMatrixProduct<Element: BinaryFloatingPoint>(
    _ left: [Element], _ leftUse: Transposition, _ right: [Element],
    _ rightUse: Transposition, rows m: Int, columns n: Int, inner k: Int
) -> [Element] {
    var product = [Element](repeating: 0, count: m * n)
    for row in 0..<m {
        for column in 0..<n {
            for i in 0..<k {
                let a = left[leftUse == .none ? row * k + i : i * m + row]
                let b = right[rightUse == .none ? i * n + column : column * k + i]
                product[row * n + column] = product[row * n + column].addingProduct(a, b)
            }
        }
    }
    return product
}
