import Cluster
import Detection
import Foundation
import Inference
import Testing

/// One row of the contract table: a score, its formula in double precision, and its worked values.
struct ScoreRow: CustomTestStringConvertible, Sendable {
    let name: ScoreDefinition
    /// The confidence from the logits that scores see.
    let formula: @Sendable ([Double]) -> Double
    /// The confidences of the worked queries a and b, on the plain network.
    let worked: [Double]
    /// The largest difference from the formula divided by `max(|value|, 1)`; the default suits a
    /// float sum of up to 1000 terms, with one rounding each.
    var tolerance = 1e-5

    var testDescription: String { name.name }

    static let all = [
        ScoreRow(
            name: .msp, formula: largestProbability, worked: [0.50845174, 0.53077141]),
        ScoreRow(
            name: .t2fnorm, formula: largestProbability, worked: [0.50845174, 0.53077141]),
        ScoreRow(name: .mls, formula: { $0.max()! }, worked: [1.9125, 1.6125]),
        ScoreRow(
            name: .ebo, formula: logSumExp, worked: [2.58888498, 2.24592384]),
        // If p is almost 1, 1 − p is a few units in the last place, and its tenth root makes the
        // rounding visible.
        ScoreRow(
            name: .gen, formula: negatedEntropy, worked: [-2.53128240, -2.55423641], tolerance: 2e-2),
        ScoreRow(
            name: .mcm, formula: largestProbability, worked: [0.50845174, 0.53077141]),
    ]
}

@Sendable private func logSumExp(_ logits: [Double]) -> Double {
    let largest = logits.max()!
    return largest + log(logits.map { exp($0 - largest) }.reduce(0, +))
}

@Sendable private func largestProbability(_ logits: [Double]) -> Double {
    exp(logits.max()! - logSumExp(logits))
}

/// The default of GEN: γ = 0.1, the 100 largest probabilities.
@Sendable private func negatedEntropy(_ logits: [Double]) -> Double {
    let total = logSumExp(logits)
    let probabilities = logits.map { exp($0 - total) }.sorted(by: >).prefix(100)
    return -probabilities.map { pow($0, 0.1) * pow(1 - $0, 0.1) }.reduce(0, +)
}

/// The result of a score on logits alone; features and weights are zeros.
private func evaluate(_ name: ScoreDefinition, logits: [Float], classes: Int) throws -> ScoredSamples {
    let head = ScoringHead(
        weights: [Float](repeating: 0, count: classes), bias: [Float](repeating: 0, count: classes))
    let features = [Float](repeating: 0, count: logits.count / classes)
    return try name.makeScore().evaluate(
        ScoreInput(features: features.span, logits: logits.span, head: head))
}

/// Values between −8 and 8 without a pattern.
private func scattered(_ count: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + 13) % 1024) / 64 - 8 }
}

@Suite(.timeLimit(.minutes(30))) struct ScoreTests {
    @Test func everyNameHasItsScoreAndItsRow() throws {
        let example = WorkedClassifier()
        let fit = try FitContext(
            head: example.plainHead, training: example.shard(0..<60), validation: nil,
            outliers: example.shard(60..<65), communicator: LocalCommunicator())
        let ofFeatures = ScoreCatalogue.standard.scores.filter { $0.networkCost == nil }
        for score in ofFeatures {
            #expect(try score.makeScore(fit).precision == score.precision, "\(score.name)")
        }
        let network = try NetworkExample().fit()
        for score in ScoreCatalogue.standard.scores where score.networkCost != nil {
            #expect(try score.makeScore(network).precision == score.precision, "\(score.name)")
        }
        #expect(
            ScoreRow.all.map(\.name) + FeatureScoreRow.all.map(\.name) + NetworkScoreRow.all.map(\.name)
                == ScoreCatalogue.standard.scores)
    }

    @Test(arguments: ScoreRow.all)
    func matchesTheWorkedValues(row: ScoreRow) throws {
        let example = WorkedClassifier()
        let result = try example.evaluate(row.name, head: example.plainHead)
        for (found, expected) in zip(result.confidences, row.worked) {
            #expect(abs(found - expected) <= 4e-7 * abs(expected))
        }
        #expect(result.predictions == [0, 2])
    }

    @Test(arguments: ScoreRow.all, [1, 2, 10, 17, 1000])
    func matchesTheFormula(row: ScoreRow, classes: Int) throws {
        let logits = scattered(7 * classes)
        let result = try evaluate(row.name, logits: logits, classes: classes)
        for sample in 0..<7 {
            let own = logits[sample * classes..<(sample + 1) * classes].map(Double.init)
            let expected = row.formula(own)
            #expect(
                abs(Double(result.confidences[sample]) - expected) <= row.tolerance * max(abs(expected), 1))
            #expect(Int(result.predictions[sample]) == own.firstIndex(of: own.max()!))
        }
    }

    @Test(arguments: ScoreRow.all)
    func aSampleDoesNotDependOnItsBatch(row: ScoreRow) throws {
        let logits = scattered(13 * 10)
        let together = try evaluate(row.name, logits: logits, classes: 10)
        for sample in 0..<13 {
            let alone = try evaluate(
                row.name, logits: Array(logits[sample * 10..<(sample + 1) * 10]), classes: 10)
            #expect(alone.confidences[0].bitPattern == together.confidences[sample].bitPattern)
            #expect(alone.predictions[0] == together.predictions[sample])
        }
    }

    @Test(arguments: ScoreRow.all)
    func ofEqualLogitsTheFirstIsPredicted(row: ScoreRow) throws {
        let result = try evaluate(row.name, logits: [1, 3, 3, 2, 0, 0, 0, 0, -1, -1, -2, -1], classes: 4)
        #expect(result.predictions == [1, 0, 0])
    }

    @Test(arguments: ScoreRow.all)
    func largeLogitsDoNotOverflow(row: ScoreRow) throws {
        let result = try evaluate(row.name, logits: [1e4, -1e4, 3e4, 3e4, -1e4, -2e4], classes: 2)
        let expected = [[1e4, -1e4], [3e4, 3e4], [-1e4, -2e4]].map(row.formula)
        for (found, expected) in zip(result.confidences, expected) {
            #expect(abs(Double(found) - expected) <= 4e-7 * abs(expected))
        }
    }

    @Test(arguments: ScoreRow.all)
    func aClearPredictionIsMoreConfidentThanAFlatOne(row: ScoreRow) throws {
        let result = try evaluate(row.name, logits: [9, 0, 0, 0.5, 0, 0], classes: 3)
        #expect(result.confidences[0] > result.confidences[1])
    }

    @Test(arguments: ScoreRow.all, 0..<3)
    func aNaNIsNotHidden(row: ScoreRow, place: Int) throws {
        var logits: [Float] = [1, 5, 2, 1, 5, 2]
        logits[place] = .nan
        let result = try evaluate(row.name, logits: logits, classes: 3)
        #expect(result.confidences[0].isNaN)
        #expect(result.confidences[1].isFinite)
    }

    @Test(arguments: ScoreRow.all)
    func noSamplesGiveNoScores(row: ScoreRow) throws {
        #expect(
            try evaluate(row.name, logits: [], classes: 3) == ScoredSamples(confidences: [], predictions: []))
    }
}
