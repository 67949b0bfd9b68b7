public import Kernels

/// The specification of `matrixProduct`: `[M, K] · [K, N]`, either side given transposed.
public func plainMatrixProduct(
    _ left: [Double], _ leftUse: Transposition, _ right: [Double],
    _ rightUse: Transposition, rows m: Int, columns n: Int, inner k: Int
) -> [Double] {
    var product = [Double](repeating: 0, count: m * n)
    for row in 0..<m {
        for column in 0..<n {
            for i in 0..<k {
                let a = left[leftUse == .none ? row * k + i : i * m + row]
                let b = right[rightUse == .none ? i * n + column : column * k + i]
                product[row * n + column] += a * b
            }
        }
    }
    return product
}
