package import Memory
package import Networks
package import Workers

/// Stochastic gradient descent with momentum and weight decay on every parameter, as in PyTorch.
///
/// `g ← g + λ w; v ← μ v + g; w ← w − η (g + μ v)` with Nesterov's momentum, `w ← w − η v` without;
/// `v` starts at 0.
package struct MomentumSGD: ~Copyable {
    /// μ, from 0 up to but not including 1.
    package let momentum: Float
    /// λ, 0 or more.
    package let weightDecay: Float
    package let usesNesterov: Bool
    /// `v`, laid out like the parameters.
    package internal(set) var velocity: Buffer<Float>

    /// - Parameter parameterCount: Elements of `ParameterStore.values`.
    package init(momentum: Float, weightDecay: Float, usesNesterov: Bool, parameterCount: Int) {
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.usesNesterov = usesNesterov
        velocity = Buffer(zeros: parameterCount)
    }

    /// Updates the parameters of `store` with its gradients.
    package mutating func update(_ store: ParameterStore, learningRate: Float, on pool: WorkerPool) {
        let (momentum, weightDecay, usesNesterov) = (momentum, weightDecay, usesNesterov)
        let chunk = 16_384
        withSpans(store.gradients, into: &store.values, &velocity) { gradients, values, velocity in
            pool.split(&values, every: chunk, &velocity, every: chunk) { item, values, velocity in
                let gradient = gradients.extracting(item * chunk..<item * chunk + values.count)
                for i in gradient.indices {
                    let slope = gradient[i].addingProduct(weightDecay, values[i])
                    let speed = slope.addingProduct(momentum, velocity[i])
                    velocity[i] = speed
                    let direction = usesNesterov ? slope.addingProduct(momentum, speed) : speed
                    values[i] = values[i].addingProduct(-learningRate, direction)
                }
            }
        }
    }
}
