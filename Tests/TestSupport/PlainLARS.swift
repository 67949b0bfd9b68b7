/// One update by layer-wise adaptive rate scaling.
///
/// `v ← momentum · v + rate · r · (g + decay · w)`; `w ← w − v`, with
/// `r = coefficient · ‖w‖ / (‖g‖ + decay · ‖w‖)`.
///
/// - Parameters:
///   - velocity: `v`; empty before the first update.
///   - coefficient: `nil` for `r` = 1.
package func plainLARSStep(
    _ weights: inout [Double], gradient: [Double], velocity: inout [Double], rate: Double,
    momentum: Double, weightDecay: Double, coefficient: Double?
) {
    if velocity.isEmpty { velocity = gradient.map { _ in 0 } }
    var ratio = 1.0
    if let coefficient {
        let norm = euclideanNorm(weights)
        ratio = coefficient * norm / (euclideanNorm(gradient) + weightDecay * norm)
    }
    for i in weights.indices {
        velocity[i] = momentum * velocity[i] + rate * ratio * (gradient[i] + weightDecay * weights[i])
        weights[i] -= velocity[i]
    }
}
