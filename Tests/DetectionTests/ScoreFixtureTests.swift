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
    /// The scores that are compared with a formula in their rows; the others must be in the
    /// fixture.
    private static let withFormula =
        ScoreRow.all.map(\.name) + FeatureScoreRow.all.filter { $0.formula != nil }.map(\.name)

    /// GEN computes `1 − p` in single precision, for which its specification allows 3e-3.
    @Test(arguments: ScoreCatalogue.standard.scores.filter { $0.networkCost == nil })
    func matchesNumPy(name: ScoreDefinition) throws {
        let path = packageRoot.appending(path: "Tests/Fixtures/score_fixtures.json")
        let fixture = try JSONDecoder().decode(ScoreFixture.self, from: Data(contentsOf: path))
        #expect(fixture.cases.count == 3 && fixture.cases.allSatisfy { $0.confidences.count >= 33 })
        for example in fixture.cases {
            let head = ScoringHead(weights: example.weights, bias: example.bias)
            let fit = try FitContext(
                head: head, training: FeatureShard(example.training, head, microbatchSize: 32),
                validation: FeatureShard(example.validation, head, microbatchSize: 32),
                outliers: FeatureShard(example.outliers, head, microbatchSize: 32),
                communicator: LocalCommunicator())
            guard let values = example.confidences[name.name] else {
                #expect(Self.withFormula.contains(name), "neither NumPy's values nor a formula")
                continue
            }
            guard let expected = values else {
                #expect(throws: FitError.self) { try name.makeScore(fit) }
                continue
            }
            try check(name, fit, example, expected)
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
            try check(.grood, fit, example, both[1])
        }
    }

    private func check(
        _ name: ScoreDefinition, _ fit: FitContext, _ example: ScoreFixture.Case, _ expected: [Double]
    ) throws {
        let score = try name.makeScore(fit)
        let head = ScoringHead(weights: example.weights, bias: example.bias)
        let logits = DetectionTests.logits(of: example.features, head)
        let found = score.evaluate(
            ScoreInput(features: example.features.span, logits: logits.span, head: head)
        ).confidences
        #expect(found.count == expected.count)
        #expect(name.precision == .double || found == found.map { Double(Float($0)) })
        for (found, expected) in zip(found, expected) {
            #expect(
                abs(found - expected)
                    <= (name == .gen ? 3e-3 : 1e-5)
                    * max(abs(expected), name == .grood ? 1e-7 : 0.1))
        }
    }
}
