import Detection
import Workers

/// The small classifier of the worked values: four features, three classes, two queries.
struct WorkedClassifier {
    let weights: [Float] = [0.75, 0.25, 0, -0.25, 0, 0.75, 0.25, 0, 0.25, 0, 0.75, 0.25]
    let bias: [Float] = [0.1, -0.2, 0.05]
    let queries: [Float] = [2.5, 0.5, 1, 0.75, 1, 1, 1.25, 1.5]

    var plainHead: ScoringHead { ScoringHead(weights: weights, bias: bias) }

    func logits(_ head: ScoringHead) -> [Float] {
        var result = [Float](repeating: 0, count: 2 * head.classes)
        var logits = result.mutableSpan
        head.logits(of: queries.span, laneSize: 1, into: &logits, on: WorkerPool(threads: 1))
        return result
    }

    func evaluate(_ name: ScoreName, head: ScoringHead) -> ScoredSamples {
        name.makeScore().evaluate(
            ScoreInput(features: queries.span, logits: logits(head).span, head: head))
    }
}
