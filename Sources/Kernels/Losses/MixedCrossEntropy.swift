internal import Numerics

/// Overwrites `logitsGradient` with the gradient of the mean cross-entropy with mixed and smoothed
/// labels, and `report` with each sample's loss and prediction.
///
/// The target is `t[k] = (1 − ε) (λ [k = y] + (1 − λ) [k = y′]) + ε / K`, the loss
/// `−Σ t[k] log softmax(z)[k]`, and
/// `logitsGradient[n, k] = (softmax(logits[n])[k] − t[n, k]) / batchSize`.
///
/// Source of the smoothing: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: "Rethinking the Inception
/// architecture for computer vision", CVPR 2016, arXiv 1512.00567, section 7.
///
/// - Parameters:
///   - logits: Shape `[N, classes]`.
///   - labels: `y`, shape `[N]`, each in `0..<classes`.
///   - partners: `y′`, shape `[N]`, each in `0..<classes`.
///   - shares: `λ`, shape `[N]`, each from 0 to 1.
///   - smoothing: `ε`, from 0 to 1.
///   - batchSize: Samples in the global batch, over which the loss is averaged.
///   - logitsGradient: Shape `[N, classes]`.
///   - report: Shape `[N, 2]`: the sample's loss, and 1 if the largest logit is that of the label
///     with the greater share, else 0.
package func mixedCrossEntropy(
    _ logits: Span<Float>, labels: Span<Int32>, partners: Span<Int32>, shares: Span<Float>,
    smoothing: Float, classes: Int, batchSize: Int, into logitsGradient: inout MutableSpan<Float>,
    report: inout MutableSpan<Double>
) {
    softmax(logits, classes: classes, into: &logitsGradient)
    let scale = 1 / Float(batchSize)
    let floor = smoothing / Float(classes)
    for sample in labels.indices {
        let start = sample * classes
        let row = logits.extracting(start..<start + classes)
        let (label, partner) = (Int(labels[sample]), Int(partners[sample]))
        precondition(
            label >= 0 && label < classes && partner >= 0 && partner < classes,
            "labels \(label) and \(partner) of \(classes) classes")
        let share = shares[sample]
        let predicted = indexOfMaximum(row)
        let (sum, rest) = sums(row, largest: row[predicted])
        let labelled =
            Double(share) * Double(row[predicted] - row[label])
            + Double(1 - share) * Double(row[predicted] - row[partner])
        report[2 * sample] =
            logarithm(sum) + Double(1 - smoothing) * labelled + Double(smoothing) * rest / Double(classes)
        report[2 * sample + 1] = predicted == (share >= 0.5 ? label : partner) ? 1 : 0
        logitsGradient[start + label] -= (1 - smoothing) * share
        logitsGradient[start + partner] -= (1 - smoothing) * (1 - share)
        for k in 0..<classes { logitsGradient[start + k] = (logitsGradient[start + k] - floor) * scale }
    }
}

/// The sum of `exp(z − max z)` and the sum of `max z − z` over a row of logits `z`.
private func sums(_ row: Span<Float>, largest: Float) -> (powers: Double, distances: Double) {
    var (powers, distances) = (0.0, 0.0)
    for k in row.indices {
        powers += exponential(Double(row[k] - largest))
        distances += Double(largest - row[k])
    }
    return (powers, distances)
}
