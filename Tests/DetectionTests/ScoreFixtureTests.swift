import Cluster
import Detection
import Foundation
import TestSupport
import Testing

/// What NumPy computed; written by `Tests/Fixtures/make_score_fixtures.py`.
private struct ScoreFixture: Decodable {
    struct Case: Decodable {
        let classes: Int
        let dimension: Int
        let features: [Float]
        let weights: [Float]
        let bias: [Float]
        /// Record `i` of both has label `i mod classes`.
        let training: [Float]
        let validation: [Float]
        let outliers: [Float]
        /// `nil` where a score cannot be fitted.
        let confidences: [String: [Double]?]
    }

    let cases: [Case]
}

@Suite struct ScoreFixtureTests {
    /// GEN's `1 − p` is in single precision, which its specification allows 3e-3 for.
    @Test(arguments: ScoreName.allCases.filter { $0.networkCost == nil })
    func matchesNumPy(name: ScoreName) throws {
        let path = packageRoot.appending(path: "Tests/Fixtures/score_fixtures.json")
        let fixture = try JSONDecoder().decode(ScoreFixture.self, from: Data(contentsOf: path))
        #expect(fixture.cases.count == 3)
        for example in fixture.cases {
            let head = ScoringHead(weights: example.weights, bias: example.bias)
            let fit = try ScoreFit(
                head: head, training: FeatureShare(example.training, head, laneSize: 32),
                validation: FeatureShare(example.validation, head, laneSize: 32),
                outliers: FeatureShare(example.outliers, head, laneSize: 32),
                communicator: LocalCommunicator())
            guard let expected = try #require(example.confidences[name.rawValue]) else {
                #expect(throws: ScoreFitError.self) { try name.makeScore(fit) }
                continue
            }
            let score = try name.makeScore(fit)
            let logits = DetectionTests.logits(of: example.features, head)
            let found = score.evaluate(
                ScoreInput(features: example.features.span, logits: logits.span, head: head)
            ).confidences
            #expect(found.count == expected.count)
            for (found, expected) in zip(found, expected) {
                #expect(
                    abs(Double(found) - expected)
                        <= (name == .gen ? 3e-3 : 1e-5) * max(abs(expected), name == .grood ? 1e-7 : 0.1))
            }
        }
    }
}
