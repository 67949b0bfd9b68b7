import Cluster
import Detection
import Inference

/// The small classifier of the worked values: four features, three classes, two queries.
struct WorkedClassifier {
    let weights: [Float] = [0.75, 0.25, 0, -0.25, 0, 0.75, 0.25, 0, 0.25, 0, 0.75, 0.25]
    let bias: [Float] = [0.1, -0.2, 0.05]
    let queries: [Float] = [2.5, 0.5, 1, 0.75, 1, 1, 1.25, 1.5]

    /// Records whose features follow a formula; record i has label i mod 3.
    func shard(_ records: Range<Int>, microbatchSize: Int = 4) -> FeatureShard {
        let features = records.flatMap { i in
            (0..<4).map { j -> Float in
                let halves = (7 * i + 3 * j + i * i / 3) % 5
                let eighths = (i * j) % 7
                return Float(4 * halves + eighths) / 8 + (j == i % 3 ? 2.25 : 0.25)
            }
        }
        return FeatureShard(features, plainHead, microbatchSize: microbatchSize, first: records.lowerBound)
    }

    /// A context with twelve training, six validation and six outlier records.
    func fit() throws -> FitContext {
        try FitContext(
            head: plainHead, training: shard(0..<12), validation: shard(20..<26),
            outliers: shard(40..<46), communicator: LocalCommunicator())
    }

    var plainHead: ScoringHead { ScoringHead(weights: weights, bias: bias) }

    func logits(_ head: ScoringHead) -> [Float] { DetectionTests.logits(of: queries, head) }

    func evaluate(_ name: ScoreDefinition, head: ScoringHead) throws -> ScoredSamples {
        evaluate(try name.makeScore(), head: head)
    }

    func evaluate(_ score: any Score, head: ScoringHead) -> ScoredSamples {
        score.evaluate(ScoreInput(features: queries.span, logits: logits(head).span, head: head))
    }
}
