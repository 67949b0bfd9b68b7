internal import Checkpoints

/// Stochastic gradient descent with momentum, as in PyTorch.
///
/// `g ← g + λ w; v ← μ v + g; w ← w − η (g + μ v)` with Nesterov's momentum, `w ← w − η v` without;
/// `v` starts at 0.
package struct MomentumSGD: UpdateRule {
    /// μ, from 0 up to but not including 1.
    package let momentum: Float
    package let usesNesterov: Bool

    package init(momentum: Float, usesNesterov: Bool) {
        self.momentum = momentum
        self.usesNesterov = usesNesterov
    }

    package var slots: [String] { [StateSlot.momentum.name] }

    package func update(
        _ values: inout MutableSpan<Float>, gradient: Span<Float>, _ velocity: inout MutableSpan<Float>,
        _: inout MutableSpan<Float>, _ step: UpdateStep
    ) {
        let (rate, weightDecay) = (step.learningRate, step.weightDecay)
        for i in gradient.indices {
            let slope = gradient[i].addingProduct(weightDecay, values[i])
            let speed = slope.addingProduct(momentum, velocity[i])
            velocity[i] = speed
            let direction = usesNesterov ? slope.addingProduct(momentum, speed) : speed
            values[i] = values[i].addingProduct(-rate, direction)
        }
    }
}
