import Foundation

/// The weights of ReweightOOD's pairs i < j in order: `−σ(−(2s − 1))` for positive pairs and
/// `σ(5s − 4)` for negative ones.
///
/// - Parameter outputs: Shape `[M, dimension]`; normalised here.
package func plainPairWeights(_ outputs: [Double], _ labels: [Int32], dimension: Int) -> [Double] {
    plainPairs(outputs, labels, dimension: dimension).map { product, isPositive in
        isPositive ? -1 / (1 + exp(2 * product - 1)) : 1 / (1 + exp(4 - 5 * product))
    }
}

/// ReweightOOD's loss with given weights: `ELU(LSE₊(w s / 0.1) + LSE₋(w s / 0.1))`.
package func plainReweightedLoss(
    _ outputs: [Double], _ labels: [Int32], _ weights: [Double], dimension: Int
) -> Double {
    var sums = [true: 0.0, false: 0.0]
    for (pair, weight) in zip(plainPairs(outputs, labels, dimension: dimension), weights) {
        sums[pair.isPositive]! += exp(weight * pair.product / 0.1)
    }
    let total = sums.values.filter { $0 > 0 }.reduce(0) { $0 + log($1) }
    return total > 0 ? total : exp(total) - 1
}

private func plainPairs(
    _ outputs: [Double], _ labels: [Int32], dimension: Int
) -> [(product: Double, isPositive: Bool)] {
    let rows = stride(from: 0, to: outputs.count, by: dimension).map { start in
        let row = Array(outputs[start..<start + dimension])
        let norm = euclideanNorm(row)
        return row.map { $0 / norm }
    }
    return rows.indices.flatMap { i in
        (i + 1..<max(rows.count, i + 1)).map { j in
            (innerProduct(rows[i], rows[j]), labels[i] == labels[j])
        }
    }
}
