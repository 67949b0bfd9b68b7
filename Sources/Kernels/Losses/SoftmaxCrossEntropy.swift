internal import Numerics

/// Overwrites `probabilities` with the softmax of each row, the row's maximum subtracted first.
///
/// - Parameters:
///   - logits: Shape `[N, classes]`.
///   - probabilities: Shape `[N, classes]`.
package func softmax(_ logits: Span<Float>, classes: Int, into probabilities: inout MutableSpan<Float>) {
    precondition(logits.count == probabilities.count && logits.count.isMultiple(of: classes))
    for start in stride(from: 0, to: logits.count, by: classes) {
        let row = logits.extracting(start..<start + classes)
        let largest = row[indexOfMaximum(row)]
        var sum: Float = 0
        for k in 0..<classes {
            let value = exponential(row[k] - largest)
            probabilities[start + k] = value
            sum += value
        }
        for k in 0..<classes { probabilities[start + k] /= sum }
    }
}

/// The index of the largest element, the first one among equals.
package func indexOfMaximum(_ row: Span<Float>) -> Int {
    var best = 0
    for k in 1..<max(row.count, 1) where row[k] > row[best] { best = k }
    return best
}

/// Overwrites `logitsGradient` with the gradient of the mean cross-entropy, and `report` with each
/// sample's loss and prediction.
///
/// `logitsGradient[n, k] = (softmax(logits[n])[k] − [k = label[n]]) / batchSize`
///
/// - Parameters:
///   - logits: Shape `[N, classes]`.
///   - labels: Shape `[N]`, each in `0..<classes`.
///   - batchSize: Samples in the global batch, over which the loss is averaged.
///   - logitsGradient: Shape `[N, classes]`.
///   - report: Shape `[N, 2]`: the sample's loss, and 1 if the largest logit is the label's, else
///     0.
package func softmaxCrossEntropy(
    _ logits: Span<Float>, labels: Span<Int32>, classes: Int, batchSize: Int,
    into logitsGradient: inout MutableSpan<Float>, report: inout MutableSpan<Double>
) {
    softmax(logits, classes: classes, into: &logitsGradient)
    let scale = 1 / Float(batchSize)
    for sample in labels.indices {
        let start = sample * classes
        let row = logits.extracting(start..<start + classes)
        let label = Int(labels[sample])
        precondition(label >= 0 && label < classes, "label \(label) of \(classes) classes")
        let predicted = indexOfMaximum(row)
        var sum = 0.0
        for k in 0..<classes { sum += exponential(Double(row[k] - row[predicted])) }
        report[2 * sample] = logarithm(sum) + Double(row[predicted] - row[label])
        report[2 * sample + 1] = predicted == label ? 1 : 0
        logitsGradient[start + label] -= 1
        for k in 0..<classes { logitsGradient[start + k] *= scale }
    }
}
