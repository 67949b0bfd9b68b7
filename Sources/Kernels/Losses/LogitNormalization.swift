/// Added to a norm of logits before they are divided by it.
package let logitNormOffset: Float = 1e-7

/// Overwrites `normalized` with `z / (‖z‖₂ + 1e-7) / τ` of each row.
///
/// Wei, Xie, Cheng, Feng, An, Li: "Mitigating neural network overconfidence with logit
/// normalization", ICML 2022, arXiv 2205.09310, section 3.3.
///
/// - Parameters:
///   - logits: Shape `[N, classes]`.
///   - temperature: τ, above 0.
///   - normalized: Shape `[N, classes]`.
///   - norms: Shape `[N]`: `‖z‖₂`.
package func normalizeLogits(
    _ logits: Span<Float>, classes: Int, temperature: Float, into normalized: inout MutableSpan<Float>,
    norms: inout MutableSpan<Float>
) {
    for sample in norms.indices {
        let start = sample * classes
        let row = logits.extracting(start..<start + classes)
        let norm = dotProduct(row, row).squareRoot()
        norms[sample] = norm
        let divisor = norm + logitNormOffset
        for k in 0..<classes { normalized[start + k] = row[k] / divisor / temperature }
    }
}

/// Overwrites `logitsGradient` with the gradient of `normalizeLogits`' input.
///
/// `(g − z (z·g) / (‖z‖ (‖z‖ + 1e-7))) / (τ (‖z‖ + 1e-7))`, where the second term is 0 if `‖z‖` is
/// 0, as in PyTorch.
///
/// - Parameters:
///   - normalizedGradient: `g`, shape `[N, classes]`.
///   - logits: `z`, shape `[N, classes]`.
///   - norms: `‖z‖₂`, shape `[N]`.
///   - logitsGradient: Shape `[N, classes]`.
package func logitNormalizationGradient(
    _ normalizedGradient: Span<Float>, logits: Span<Float>, norms: Span<Float>, classes: Int,
    temperature: Float, into logitsGradient: inout MutableSpan<Float>
) {
    for sample in norms.indices {
        let start = sample * classes
        let row = logits.extracting(start..<start + classes)
        let gradient = normalizedGradient.extracting(start..<start + classes)
        let norm = norms[sample]
        let divisor = norm + logitNormOffset
        let along = norm > 0 ? dotProduct(row, gradient) / norm / divisor : 0
        for k in 0..<classes {
            logitsGradient[start + k] = (gradient[k] - row[k] * along) / divisor / temperature
        }
    }
}
