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

@Suite(.timeLimit(.minutes(30))) struct ScoreFixtureTests {
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
            check(try name.makeScore(fit), example, expected)
        }
    }

    @Test func groodOfExactRecordsMatchesNumPy() throws {
        let path = packageRoot.appending(path: "Tests/Fixtures/score_fixtures.json")
        let fixture = try JSONDecoder().decode(ScoreFixture.self, from: Data(contentsOf: path))
        for example in fixture.cases {
            let head = ScoringHead(weights: example.weights, bias: example.bias)
            let fit = try ScoreFit(
                head: head, training: FeatureShare(example.training, head, laneSize: 32), validation: nil,
                outliers: FeatureShare(example.outliers, head, laneSize: 32),
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
