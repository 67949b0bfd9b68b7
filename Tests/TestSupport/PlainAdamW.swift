import Foundation

/// One update of Adam with decoupled weight decay, as PyTorch's `AdamW`.
///
/// `w ← w − rate · decay · w`; `m ← β₁ m + (1 − β₁) g`; `v ← β₂ v + (1 − β₂) g²`;
/// `w ← w − rate · m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)`.
///
/// - Parameters:
///   - state: `m` and `v`; both empty before the first update.
///   - number: `t`, counted from 1.
package func plainAdamWStep(
    _ weights: inout [Double], gradient: [Double], state: inout [[Double]], number: Int, rate: Double,
    betas: (Double, Double), epsilon: Double, weightDecay: Double
) {
    if state.isEmpty { state = [[Double]](repeating: gradient.map { _ in 0 }, count: 2) }
    for i in weights.indices {
        weights[i] -= rate * weightDecay * weights[i]
        state[0][i] = betas.0 * state[0][i] + (1 - betas.0) * gradient[i]
        state[1][i] = betas.1 * state[1][i] + (1 - betas.1) * gradient[i] * gradient[i]
        let mean = state[0][i] / (1 - pow(betas.0, Double(number)))
        let square = state[1][i] / (1 - pow(betas.1, Double(number)))
        weights[i] -= rate * mean / (square.squareRoot() + epsilon)
    }
}
