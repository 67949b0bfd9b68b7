import Foundation

/// One update of stochastic gradient descent with momentum and weight decay, as PyTorch's `SGD`.
///
/// `g ← g + decay · w`; `v ← g` on the first step, else `momentum · v + g`;
/// `w ← w − rate · (g + momentum · v)` with Nesterov's momentum, `w ← w − rate · v` without.
///
/// - Parameter velocity: `v`; empty before the first step.
package func plainMomentumStep(
    _ weights: inout [Double], gradient: [Double], velocity: inout [Double], rate: Double,
    momentum: Double = 0.9, weightDecay: Double = 5e-4, isNesterov: Bool = true
) {
    let decayed = zip(gradient, weights).map { $0 + weightDecay * $1 }
    velocity = velocity.isEmpty ? decayed : zip(velocity, decayed).map { momentum * $0 + $1 }
    for i in weights.indices {
        weights[i] -= rate * (isNesterov ? decayed[i] + momentum * velocity[i] : velocity[i])
    }
}

/// The cosine schedule: `rate · (m + (1 − m) · ½ (1 + cos(π step / totalSteps)))`, `m` = `minimum`
/// / `rate`.
package func plainCosineRate(
    step: Int, totalSteps: Int, rate: Double, minimum: Double = 1e-6
) -> Double {
    let least = minimum / rate
    let phase = Double.pi * Double(step) / Double(totalSteps)
    return rate * (least + (1 - least) * 0.5 * (1 + cos(phase)))
}
