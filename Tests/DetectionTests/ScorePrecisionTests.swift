import Cluster
import Detection
import Foundation
import Inference
import TestSupport
import Testing

/// Scores whose values crowd at an end of their range keep the order of the images there.
@Suite(.timeLimit(.minutes(30))) struct ScorePrecisionTests {
    /// Two classes and one feature: the logits are h and −h.
    private let head = ScoringHead(weights: [1, -1], bias: [0, 0])

    private func fit() throws -> FitContext {
        let training = (0..<60).map { Float($0.isMultiple(of: 2) ? 1 : -1) * (1 + Float($0) / 100) }
        return try FitContext(
            head: head, training: FeatureShard(training, head, microbatchSize: 8), validation: nil,
            communicator: LocalCommunicator())
    }

    private func confidences(_ score: any Score, _ features: [Float]) -> [Double] {
        score.evaluate(
            ScoreInput(features: features.span, logits: logits(of: features, head).span, head: head)
        ).confidences
    }

    /// Far from both classes the Weibull probability is 1, so the changed logits are 0 and −h / 3,
    /// the unknown class's logit is h / 3, and the other classes keep a probability of about
    /// `exp(−h / 3)`.
    @Test func openMaxRanksImagesThatAreAlmostSurelyUnknown() throws {
        let features = (0..<40).map { 54 + Float($0) / 10 }
        let found = confidences(try ScoreDefinition.openmax.makeScore(fit()), features)
        for (feature, confidence) in zip(features, found) {
            let h = Double(feature)
            let known = 1 + exp(-h / 3)
            let expected = known / (known + exp(h / 3))
            #expect(abs(1 + confidence - expected) <= 1e-6 * expected, "\(h)")
        }
        #expect(zip(found, found.dropFirst()).allSatisfy { $0 > $1 })
        #expect(Set(found.map { Float($0) }).count < 5)
    }

    /// For an image with a probability near 1, −KL is `ln q` of its class plus the remainder of its
    /// own entropy.
    @Test func divergencesOfSureImagesAreRanked() throws {
        let features = (0..<40).map { 8 + Float($0) / 10 }
        let found = confidences(try ScoreDefinition.klm.makeScore(fit()), features)
        #expect(Set(found).count == 40)
        #expect(Set(found.map { Float($0) }).count < 32)
    }
}

/// The records that `cfood` and `grood` use as references, worked by hand.
@Suite(.timeLimit(.minutes(30))) struct ReferenceRecordTests {
    /// References at the angles 0, 0.1 and 0.3 have their first neighbours 0.1, 0.1 and 0.2 away;
    /// they are not their own neighbours.
    @Test func aReferenceIsNoNeighbourOfItself() throws {
        let head = ScoringHead(weights: [1, 0, 0, 1], bias: [0, 0])
        // Of 14 records the references are 0, 5 and 13.
        var features = [[Float]](repeating: [-1, 0], count: 14)
        for (place, angle) in [(0, 0.0), (5, 0.1), (13, 0.3)] {
            features[place] = [Float(cos(angle)), Float(sin(angle))]
        }
        let fit = try FitContext(
            head: head, training: FeatureShard(features.flatMap(\.self), head, microbatchSize: 8),
            validation: nil,
            communicator: LocalCommunicator())
        let score = try ScoreDefinition.cfood.makeScore(fit)
        let chord = { (angle: Double) in [Float(cos(angle)), Float(sin(angle))] }
        // The query at 0.49 is 0.19 from the last reference, whose first neighbour is 0.2 away; the
        // query at 0.52 is only in that reference's second neighbourhood, of radius 0.3.
        let queries = [0.05, 0.49, 0.52, 0.65].flatMap(chord)
        let found = score.evaluate(
            ScoreInput(features: queries.span, logits: logits(of: queries, head).span, head: head)
        ).confidences
        // With three references, the first neighbourhood has a share of 0.001 and the second of
        // 0.67.
        let expected = [-0.001, -0.001, -0.67, -1]
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(found)")
    }

    @Test func oneReferenceIsTooFew() throws {
        let head = ScoringHead(weights: [1, 0, 0, 1], bias: [0, 0])
        let fit = try FitContext(
            head: head, training: FeatureShard([1, 0, 0, 1, 1, 1], head, microbatchSize: 8), validation: nil,
            communicator: LocalCommunicator())
        let error = #expect(throws: FitError.self) { try ScoreDefinition.cfood.makeScore(fit) }
        #expect(error?.description.contains("1 of the training records are references") == true)
    }

    /// Of five batches of 200, batch 4 is left out; of 751 batches or more, batch 600.
    @Test(arguments: [
        (1000, 800..<1000), (999, 800..<999), (1001, 800..<1000), (200_000, 120_000..<120_200),
        (150, 0..<150),
    ])
    func oneBatchIsNotInTheIndex(count: Int, missing: Range<Int>) {
        #expect(GradientNeighbors.Records.openOOD.missing(of: count) == missing)
        #expect(GradientNeighbors.Records.exact.missing(of: count).isEmpty)
    }
}
