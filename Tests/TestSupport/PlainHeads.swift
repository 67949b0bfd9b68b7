import Foundation
import Kernels

/// `input · weightsᵀ + bias`: input `[N, D]`, weights `[K, D]`, bias `[K]`, output `[N, K]`.
package func plainLinear(_ input: [Double], weights: [Double], bias: [Double]) -> [Double] {
    let dimension = weights.count / bias.count
    let rows = input.count / dimension
    let product = plainMatrixProduct(
        input, .none, weights, .transposed, rows: rows, columns: bias.count, inner: dimension)
    return product.indices.map { product[$0] + bias[$0 % bias.count] }
}

/// The gradients of `plainLinear` with respect to input, weights and bias.
package func plainLinearGradient(
    _ outputGradient: [Double], input: [Double], weights: [Double], classes: Int
) -> (input: [Double], weights: [Double], bias: [Double]) {
    let dimension = weights.count / classes
    let rows = outputGradient.count / classes
    var bias = [Double](repeating: 0, count: classes)
    for i in outputGradient.indices { bias[i % classes] += outputGradient[i] }
    return (
        plainMatrixProduct(
            outputGradient, .none, weights, .none, rows: rows, columns: dimension, inner: classes),
        plainMatrixProduct(
            outputGradient, .transposed, input, .none, rows: classes, columns: dimension, inner: rows),
        bias
    )
}

/// The mean cross-entropy of `[N, K]` logits.
package func plainCrossEntropy(_ logits: [Double], labels: [Int32], classes: Int) -> Double {
    labels.indices.reduce(0) { sum, sample in
        let row = Array(logits[sample * classes..<(sample + 1) * classes])
        let largest = row.max() ?? 0
        let logOfSum = largest + log(row.reduce(0) { $0 + exp($1 - largest) })
        return sum + (logOfSum - row[Int(labels[sample])]) / Double(labels.count)
    }
}

/// The gradient of `plainCrossEntropy`: `(softmax − one-hot) / N`.
package func plainCrossEntropyGradient(_ logits: [Double], labels: [Int32], classes: Int) -> [Double] {
    labels.indices.flatMap { sample in
        let row = Array(logits[sample * classes..<(sample + 1) * classes])
        let largest = row.max() ?? 0
        let powers = row.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.indices.map { k in
            (powers[k] / sum - (k == Int(labels[sample]) ? 1 : 0)) / Double(labels.count)
        }
    }
}

/// The specification of `normalizeFeatures`: `h / max(‖h‖₂, 1e-12) / τ` of each row of `[N, D]`.
package func plainFeatureNormalization(
    _ features: [Double], dimension: Int, temperature: Double
) -> [Double] {
    stride(from: 0, to: features.count, by: dimension).flatMap { start in
        let row = Array(features[start..<start + dimension])
        let divisor = max(euclideanNorm(row), 1e-12)
        return row.map { $0 / divisor / temperature }
    }
}

/// The gradient of `plainFeatureNormalization`'s input, both branches.
///
/// `(1 / (τ‖h‖)) (g − ĥ (ĥ·g))`, and `g / (τ · 1e-12)` if `‖h‖ ≤ 1e-12`.
package func plainFeatureNormalizationGradient(
    _ normalizedGradient: [Double], features: [Double], dimension: Int, temperature: Double
) -> [Double] {
    stride(from: 0, to: features.count, by: dimension).flatMap { start in
        let row = Array(features[start..<start + dimension])
        let gradient = Array(normalizedGradient[start..<start + dimension])
        let norm = euclideanNorm(row)
        guard norm > 1e-12 else { return gradient.map { $0 / (temperature * 1e-12) } }
        let unit = row.map { $0 / norm }
        let along = innerProduct(unit, gradient)
        return unit.indices.map { (gradient[$0] - unit[$0] * along) / (temperature * norm) }
    }
}
