internal import Numerics

/// Adam with decoupled weight decay, as in PyTorch.
///
/// `w ← w − η λ w; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// w ← w − η m̂ / (√v̂ + ε)` with `m̂ = m / (1 − β₁ᵗ)` and `v̂ = v / (1 − β₂ᵗ)` in update `t`; `m` and
/// `v` start at 0. Loshchilov, Hutter: "Decoupled weight decay regularization", arXiv 1711.05101,
/// algorithm 2, with η also as the factor of the decay.
package struct AdamW: UpdateRule {
    /// β₁ and β₂, from 0 up to but not including 1.
    package let betas: (Double, Double)
    /// ε, above 0.
    package let epsilon: Float

    package init(betas: (Double, Double), epsilon: Float) {
        self.betas = betas
        self.epsilon = epsilon
    }

    package var slots: [String] { ["mean", "square"] }

    package func update(
        _ values: inout MutableSpan<Float>, gradient: Span<Float>, _ mean: inout MutableSpan<Float>,
        _ square: inout MutableSpan<Float>, _ step: UpdateStep
    ) {
        let (newMean, newSquare) = (Float(1 - betas.0), Float(1 - betas.1))
        let kept = 1 - step.learningRate * step.weightDecay
        let rate = Float(Double(step.learningRate) / (1 - power(betas.0, Double(step.number))))
        let scale = Float((1 / (1 - power(betas.1, Double(step.number)))).squareRoot())
        for i in gradient.indices {
            let slope = gradient[i]
            mean[i] = mean[i].addingProduct(newMean, slope - mean[i])
            square[i] = square[i].addingProduct(newSquare, slope * slope - square[i])
            let root = epsilon.addingProduct(scale, square[i].squareRoot())
            values[i] = (kept * values[i]).addingProduct(-rate, mean[i] / root)
        }
    }
}
