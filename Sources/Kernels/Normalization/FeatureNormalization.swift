/// The smallest norm that a feature is divided by, as in PyTorch's `normalize`.
package let smallestFeatureNorm: Float = 1e-12

/// Overwrites `normalized` with `h / max(‖h‖₂, 1e-12) / τ` of each row.
///
/// Regmi, Panthi, Ming, Gyawali, Stoyanov, Bhattarai: "T2FNorm: Train-time feature normalization
/// for OOD detection in image classification", CVPR workshops 2024, arXiv 2305.17797. Two
/// divisions, in this order.
///
/// - Parameters:
///   - features: Shape `[N, D]`.
///   - temperature: τ, above 0.
///   - normalized: Shape `[N, D]`.
///   - norms: Shape `[N]`: `‖h‖₂`, not clamped.
package func normalizeFeatures(
    _ features: Span<Float>, dimension: Int, temperature: Float,
    into normalized: inout MutableSpan<Float>, norms: inout MutableSpan<Float>
) {
    for sample in norms.indices {
        let start = sample * dimension
        let row = features.extracting(start..<start + dimension)
        let norm = dotProduct(row, row).squareRoot()
        norms[sample] = norm
        let divisor = max(norm, smallestFeatureNorm)
        for i in 0..<dimension { normalized[start + i] = row[i] / divisor / temperature }
    }
}

/// Overwrites `featureGradient` with the gradient of `normalizeFeatures`' input.
///
/// `(1 / (τ‖h‖)) (g − ĥ (ĥ·g))` where `‖h‖ > 1e-12`; elsewhere the norm is a constant and the
/// gradient is `g / (τ · 1e-12)`.
///
/// - Parameters:
///   - normalizedGradient: `g`, shape `[N, D]`.
///   - features: `h`, shape `[N, D]`.
///   - norms: `‖h‖₂`, shape `[N]`.
///   - featureGradient: Shape `[N, D]`.
package func featureNormalizationGradient(
    _ normalizedGradient: Span<Float>, features: Span<Float>, norms: Span<Float>, dimension: Int,
    temperature: Float, into featureGradient: inout MutableSpan<Float>
) {
    for sample in norms.indices {
        let start = sample * dimension
        let row = features.extracting(start..<start + dimension)
        let gradient = normalizedGradient.extracting(start..<start + dimension)
        let norm = norms[sample]
        guard norm > smallestFeatureNorm else {
            for i in 0..<dimension {
                featureGradient[start + i] = gradient[i] / temperature / smallestFeatureNorm
            }
            continue
        }
        let along = dotProduct(row, gradient) / norm
        let scale = 1 / (temperature * norm)
        for i in 0..<dimension {
            featureGradient[start + i] = scale * (gradient[i] - row[i] / norm * along)
        }
    }
}

/// The sum of products, in eight interleaved partial sums.
package func dotProduct(_ left: Span<Float>, _ right: Span<Float>) -> Float {
    precondition(left.count == right.count, "\(left.count) and \(right.count) elements")
    var sums = SIMD8<Float>()
    let whole = left.count & ~7
    for start in stride(from: 0, to: whole, by: 8) {
        var a = SIMD8<Float>()
        var b = SIMD8<Float>()
        for i in 0..<8 {
            a[i] = left[start + i]
            b[i] = right[start + i]
        }
        sums = sums.addingProduct(a, b)
    }
    var sum = sums.sum()
    for i in whole..<left.count { sum = sum.addingProduct(left[i], right[i]) }
    return sum
}
