package import Inference

/// The softmax probability of the predicted class, from the logits that training and accuracy use;
/// NaN without logits.
package struct LargestProbability: SampleMeasure {
    package var names: [String] { ["probability"] }

    package init() {}

    package func values(of outputs: ForwardPass.Outputs) -> [[Float]] {
        if outputs.logits.isEmpty { return [[Float](repeating: .nan, count: outputs.labels.count)] }
        let classes = outputs.logits.count / max(outputs.labels.count, 1)
        return [largestProbabilities(outputs.logits.span, classes: classes)]
    }
}

/// The largest softmax probability of each row of `[N, classes]` logits; NaN if a logit is NaN.
func largestProbabilities(_ logits: Span<Float>, classes: Int) -> [Float] {
    var result = [Float](repeating: 0, count: logits.count / max(classes, 1))
    for sample in result.indices {
        let row = logits.extracting(sample * classes..<(sample + 1) * classes)
        result[sample] = largestProbability(row)
    }
    return result
}

/// The largest softmax probability of one sample's logits; NaN if a logit is NaN.
func largestProbability(_ row: Span<Float>) -> Float { 1 / exponentialSum(row, below: maximumOrNaN(row)) }
