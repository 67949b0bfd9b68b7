import Detection
import Inference
import Workers

/// The logits that scores see, shape `[N, K]`.
func logits(of features: [Float], _ head: ScoringHead) -> [Float] {
    var result = [Float](repeating: 0, count: features.count / head.dimension * head.classes)
    var span = result.mutableSpan
    head.logits(of: features.span, microbatchSize: 1, into: &span, on: WorkerPool(threads: 1))
    return result
}

extension FeatureShard {
    /// Records with these features; record `i` of a set has label `i` mod `K`.
    ///
    /// - Parameter first: The first record's index in its set.
    init(_ features: [Float], _ head: ScoringHead, microbatchSize: Int, first: Int = 0) {
        self.init(head: head, microbatchSize: microbatchSize)
        let count = features.count / head.dimension
        add(
            features: features, logits: DetectionTests.logits(of: features, head),
            labels: (first..<first + count).map { Int32($0 % head.classes) })
    }
}
