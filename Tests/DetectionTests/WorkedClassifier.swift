import Detection
import Workers

/// The small classifier of the worked values: four features, three classes, two queries.
struct WorkedClassifier {
    let weights: [Float] = [0.75, 0.25, 0, -0.25, 0, 0.75, 0.25, 0, 0.25, 0, 0.75, 0.25]
    let bias: [Float] = [0.1, -0.2, 0.05]
    let queries: [Float] = [2.5, 0.5, 1, 0.75, 1, 1, 1.25, 1.5]

    /// The mean of the twelve training features, from their formula.
    var trainingMean: [Float] {
        (0..<4).map { j in
            let values = (0..<12).map { i in
                Double((7 * i + 3 * j + i * i / 3) % 5) / 2 + (j == i % 3 ? 2 : 0) + Double((i * j) % 7) / 8
                    + 0.25
            }
            return Float(values.reduce(0, +) / 12)
        }
    }

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
