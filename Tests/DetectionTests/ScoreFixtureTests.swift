import Cluster
import Detection
import Foundation
import Inference
import TestSupport
import Testing

/// Reference values from NumPy, written by `Tests/Fixtures/make_score_fixtures.py`.
private struct ScoreFixture: Decodable {
    struct Case: Decodable {
        let classes: Int
        let dimension: Int
        let features: [Float]
        let weights: [Float]
        let bias: [Float]
        /// Record `i` of the training and validation sets has label `i mod classes`.
        let training: [Float]
        let validation: [Float]
        let outliers: [Float]
        /// `nil` if a score cannot be fitted.
        let confidences: [String: [Double]?]
    }

    let cases: [Case]
}

@Suite(.timeLimit(.minutes(30))) struct ScoreFixtureTests {
    /// GEN computes `1 − p` in single precision, for which its specification allows 3e-3.
    @Test(arguments: ScoreName.allCases.filter { $0.networkCost == nil })
    func matchesNumPy(name: ScoreName) throws {
        let path = packageRoot.appending(path: "Tests/Fixtures/score_fixtures.json")
        let fixture = try JSONDecoder().decode(ScoreFixture.self, from: Data(contentsOf: path))
        #expect(fixture.cases.count == 3)
        for example in fixture.cases {
            let head = ScoringHead(weights: example.weights, bias: example.bias)
            let fit = try FitContext(
                head: head, training: FeatureShard(example.training, head, microbatchSize: 32),
                validation: FeatureShard(example.validation, head, microbatchSize: 32),
                outliers: FeatureShard(example.outliers, head, microbatchSize: 32),
                communicator: LocalCommunicator())
            guard let expected = try #require(example.confidences[name.rawValue]) else {
                #expect(throws: FitError.self) { try name.makeScore(fit) }
                continue
            }
            check(try name.makeScore(fit), example, expected)
        }
    }

    @Test func groodOfExactRecordsMatchesNumPy() throws {
        let path = packageRoot.appending(path: "Tests/Fixtures/score_fixtures.json")
        let fixture = try JSONDecoder().decode(ScoreFixture.self, from: Data(contentsOf: path))
        for example in fixture.cases {
            let head = ScoringHead(weights: example.weights, bias: example.bias)
            let fit = try FitContext(
                head: head, training: FeatureShard(example.training, head, microbatchSize: 32),
                validation: nil,
                outliers: FeatureShard(example.outliers, head, microbatchSize: 32),
                options: ScoreOptions(grood: .exact), communicator: LocalCommunicator())
            let both = ["grood", "grood exact"].compactMap { example.confidences[$0] ?? nil }
            try #require(both.count == 2)
            #expect(both[0] != both[1])
            check(try ScoreName.grood.makeScore(fit), example, both[1])
        }
    }

    private func check(_ score: any Score, _ example: ScoreFixture.Case, _ expected: [Double]) {
        let head = ScoringHead(weights: example.weights, bias: example.bias)
        let logits = DetectionTests.logits(of: example.features, head)
        let found = score.evaluate(
            ScoreInput(features: example.features.span, logits: logits.span, head: head)
        ).confidences
        #expect(found.count == expected.count)
        #expect(score.name.precision == .double || found == found.map { Double(Float($0)) })
        for (found, expected) in zip(found, expected) {
            #expect(
                abs(found - expected)
                    <= (score.name == .gen ? 3e-3 : 1e-5)
                    * max(abs(expected), score.name == .grood ? 1e-7 : 0.1))
        }
    }
}
