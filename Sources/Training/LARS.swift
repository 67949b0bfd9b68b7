internal import Checkpoints
package import Networks
internal import Numerics
package import Workers

/// Layer-wise adaptive rate scaling: each tensor has a learning rate in proportion to its norm.
///
/// `v ← μ v + η r (g + λ w); w ← w − v` with the trust ratio `r = c ‖w‖ / (‖g‖ + λ ‖w‖)`; `v` starts at
/// 0. You, Gitman, Ginsburg: "Large batch training of convolutional networks", arXiv 1708.03888,
/// algorithm 1. As in MLPerf's reference, `r` is 1 for a tensor whose parameters or gradients are all
/// 0, and, unless the configuration names other kinds, for batch norm and biases, of which batch
/// norm has no decay.
package struct LARS: UpdateRule {
    /// μ, from 0 up to but not including 1.
    package let momentum: Float
    /// c, above 0.
    package let trustCoefficient: Double
    /// The kinds of parameters with a trust ratio of 1.
    package let untrustedKinds: Set<TensorEntry.Kind>

    package init(
        momentum: Float, trustCoefficient: Double, untrustedKinds: Set<TensorEntry.Kind>? = nil
    ) {
        self.momentum = momentum
        self.trustCoefficient = trustCoefficient
        self.untrustedKinds = untrustedKinds ?? [.norm, .bias]
    }

    package var slots: [String] { [StateSlot.momentum.name] }

    package var undecayedKinds: Set<TensorEntry.Kind> { [.norm] }

    package func rateFactors(
        of tensors: [UpdatedTensor], values: Span<Float>, gradients: Span<Float>, on pool: WorkerPool
    ) -> [Double] {
        var factors = [Double](repeating: 1, count: tensors.count)
        var span = factors.mutableSpan
        pool.split(&span, every: 1) { index, factor in
            let tensor = tensors[index]
            guard !untrustedKinds.contains(tensor.kind) else { return }
            let norm = squareSum(values.extracting(tensor.range)).squareRoot()
            let slope = squareSum(gradients.extracting(tensor.range)).squareRoot()
            guard norm > 0 && slope > 0 else { return }
            factor[0] = trustCoefficient * norm / (slope + Double(tensor.weightDecay) * norm)
        }
        return factors
    }

    package func update(
        _ values: inout MutableSpan<Float>, gradient: Span<Float>, _ velocity: inout MutableSpan<Float>,
        _: inout MutableSpan<Float>, _ step: UpdateStep
    ) {
        for i in gradient.indices {
            let slope = gradient[i].addingProduct(step.weightDecay, values[i])
            velocity[i] = (step.learningRate * slope).addingProduct(momentum, velocity[i])
            values[i] -= velocity[i]
        }
    }
}

/// The sum of squares in double precision, by a balanced tree over leaves of at most 256 elements.
private func squareSum(_ values: Span<Float>) -> Double {
    guard values.count > 256 else {
        var sum = 0.0
        for i in values.indices { sum = sum.addingProduct(Double(values[i]), Double(values[i])) }
        return sum
    }
    let middle = ReductionTree.middle(of: values.indices)
    return squareSum(values.extracting(0..<middle)) + squareSum(values.extracting(middle..<values.count))
}
