import Foundation
import Metrics
import Testing

/// A worked example, computed with scikit-learn.
struct WorkedExample: CustomTestStringConvertible {
    let testDescription: String
    let inside: [Double]
    let outside: [Double]
    let falsePositiveRate: Double
    let exactFalsePositiveRate: Double
    let areaUnderROC: Double
    let areaIn: Double
    let areaOut: Double

    static let oneTo20 = (1...20).map { Double($0) }
    static let oneTo40 = (1...40).map { Double($0) }

    init(
        _ name: String, _ inside: [Double], _ outside: [Double], fpr: Double, exact: Double? = nil,
        auroc: Double, _ areaIn: Double, _ areaOut: Double
    ) {
        testDescription = name
        self.inside = inside
        self.outside = outside
        falsePositiveRate = fpr
        exactFalsePositiveRate = exact ?? fpr
        areaUnderROC = auroc
        self.areaIn = areaIn
        self.areaOut = areaOut
    }

    static let all = [
        WorkedExample(
            "A", [0.9, 0.8, 0.7, 0.4], [0.6, 0.5, 0.3], fpr: 0.25, auroc: 10.0 / 12, 0.9083333333,
            0.7638888889),
        WorkedExample(
            "B", [0.9, 0.8, 0.5, 0.5], [0.5, 0.5, 0.3, 0.1], fpr: 0.5, auroc: 0.875, 0.9166666667,
            0.9166666667),
        WorkedExample("C", [0.5, 0.5, 0.5], [0.5, 0.5], fpr: 1, auroc: 0.5, 0.8, 0.7),
        WorkedExample("D", oneTo20, oneTo20, fpr: 1, exact: 0.95, auroc: 0.5, 0.5125, 0.5125),
        WorkedExample("E", [2, 3, 4], [0, 1], fpr: 0, auroc: 1, 1, 1),
        WorkedExample("F", [0, 1], [2, 3, 4], fpr: 1, auroc: 0, 0.225, 0.3777777778),
        WorkedExample(
            "G", [3.5, 38.5, 39.5], oneTo40, fpr: 0.3333333333, auroc: 0.6666666667, 0.2432692308,
            0.9399405639),
        WorkedExample(
            "H", oneTo40 + [50, 50], oneTo40, fpr: 0.9523809524, exact: 0.9047619048,
            auroc: 0.5238095238, 0.5689373591, 0.50625),
    ]
}

@Suite(.timeLimit(.minutes(30))) struct RankingMetricsTests {
    /// The expected values have ten digits.
    @Test(arguments: WorkedExample.all)
    func matchesTheWorkedExamples(example: WorkedExample) throws {
        let metrics = try RankingMetrics(
            inDistribution: example.inside, outOfDistribution: example.outside)
        #expect(abs(metrics.falsePositiveRate - example.falsePositiveRate) < 1e-10)
        #expect(abs(metrics.exactFalsePositiveRate - example.exactFalsePositiveRate) < 1e-10)
        #expect(abs(metrics.areaUnderROC - example.areaUnderROC) < 1e-10)
        #expect(abs(metrics.areaUnderPrecisionRecallIn - example.areaIn) < 1e-10)
        #expect(abs(metrics.areaUnderPrecisionRecallOut - example.areaOut) < 1e-10)
    }

    /// Integer scores, and the same in steps of 25 and 100; the sums are rounded differently from
    /// scikit-learn's.
    @Test(arguments: [
        (1, [322, 183], [0.665, 0.7704333333333334, 0.8245332092335704, 0.7648293151850925]),
        (25, [40, 35], [0.68, 0.7705, 0.8249625285844707, 0.7647985211378912]),
        (100, [10, 10], [0.72, 0.7707166666666666, 0.8285403763303831, 0.7698234857579396]),
    ])
    func matchesTheLargerVectors(step: Int, counts: [Int], expected: [Double]) throws {
        let metrics = try RankingMetrics(
            inDistribution: (0..<200).map { Double((300 + (7919 * $0 + 13) % 700) / step) },
            outOfDistribution: (0..<150).map { Double((104_729 * $0 + 7) % 800 / step) })
        #expect([metrics.distinctCount, metrics.keptCount] == counts)
        let found = [
            metrics.falsePositiveRate, metrics.areaUnderROC, metrics.areaUnderPrecisionRecallIn,
            metrics.areaUnderPrecisionRecallOut,
        ]
        for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 1e-14) }
    }

    struct Case: Decodable {
        var inside: [Double]
        var outside: [Double]
        var expected: [Double]
    }

    /// Cases with no, some and many ties, both zeros and saturated values.
    @Test func matches300CasesOfScikitLearn() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/ranking_metrics.json")
        let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: file))
        #expect(cases.count == 300)
        for (index, example) in cases.enumerated() {
            let metrics = try RankingMetrics(
                inDistribution: example.inside, outOfDistribution: example.outside)
            let found = [
                metrics.falsePositiveRate, metrics.exactFalsePositiveRate, metrics.areaUnderROC,
                metrics.areaUnderPrecisionRecallIn, metrics.areaUnderPrecisionRecallOut,
            ]
            for (found, expected) in zip(found, example.expected) {
                #expect(abs(found - expected) < 1e-12, "case \(index)")
            }
        }
    }

    @Test func theOrderOfTheSamplesDoesNotMatter() throws {
        let inside = (0..<101).map { Double($0 * 37 % 101) }
        let outside = (0..<89).map { Double($0 * 53 % 89) - 20 }
        let metrics = try RankingMetrics(inDistribution: inside, outOfDistribution: outside)
        let sorted = try RankingMetrics(
            inDistribution: inside.sorted(), outOfDistribution: outside.sorted())
        #expect(metrics == sorted)
    }

    @Test func bothZerosAreOneValue() throws {
        let metrics = try RankingMetrics(inDistribution: [0, -0.0], outOfDistribution: [-0.0])
        #expect(metrics.distinctCount == 1)
        #expect(metrics.areaUnderROC == 0.5)
    }

    @Test func neighbouringFloatsAreTwoValues() throws {
        let metrics = try RankingMetrics(
            inDistribution: [Double(1).nextUp, -Double.leastNonzeroMagnitude],
            outOfDistribution: [1, -2 * Double.leastNonzeroMagnitude])
        #expect(metrics.distinctCount == 4)
        #expect(metrics.areaUnderROC == 0.75)
    }

    /// Single precision would round these values to the same number.
    @Test func neighbouringDoublesAreTwoValues() throws {
        let metrics = try RankingMetrics(
            inDistribution: [(-1.0).nextUp, -Double.leastNonzeroMagnitude, 1e300],
            outOfDistribution: [-1, -2 * Double.leastNonzeroMagnitude, -1e300])
        #expect(metrics.distinctCount == 6)
        #expect(metrics.areaUnderROC == 8.0 / 9)
    }

    @Test func tiesAreCountedByTheMostFrequentValue() {
        let ties = Ties([1, 0.5, 1, 0.25, 1, 0.25, 0.75])
        #expect((ties.value, ties.count, ties.total, ties.distinctCount) == (1, 3, 7, 4))
        #expect(ties.share == 3.0 / 7)
        #expect(Ties([0.5, 0.25]).value == 0.25)
        #expect(Ties([-1, -1]).share == 1)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func aValueWithoutAPlaceIsCounted(value: Double) {
        let expected = "2 of 3 out-of-distribution confidences are NaN or infinite, expected finite numbers"
        let error = #expect(throws: RankingMetricsError.self) {
            try RankingMetrics(inDistribution: [1, 2], outOfDistribution: [value, 0, value])
        }
        #expect(error?.description == expected)
        #expect(throws: RankingMetricsError(side: .inDistribution, invalidCount: 1, count: 1)) {
            try RankingMetrics(inDistribution: [value], outOfDistribution: [1])
        }
    }

    @Test func anEmptySideIsAnError() {
        var error = #expect(throws: RankingMetricsError.self) {
            try RankingMetrics(inDistribution: [], outOfDistribution: [1])
        }
        error?.score = "ebo"
        error?.dataset = "svhn"
        #expect(
            error?.description == """
                score ebo, dataset svhn: there are no in-distribution confidences, expected at least one
                """)
        #expect(throws: RankingMetricsError(side: .outOfDistribution, invalidCount: 0, count: 0)) {
            try RankingMetrics(inDistribution: [1], outOfDistribution: [])
        }
    }

    /// Counts per confidence, one of which has no samples, give the same metrics as the samples
    /// themselves.
    @Test func countedSamplesAreRankedAsTheSamplesAre() throws {
        let inCounts: [Int32] = [2, 0, 1, 0, 4]
        let outCounts: [Int32] = [3, 1, 0, 0, 2]
        let samples = { (counts: [Int32]) in
            counts.enumerated().flatMap { [Double](repeating: Double($0), count: Int($1)) }
        }
        let expected = try RankingMetrics(
            inDistribution: samples(inCounts), outOfDistribution: samples(outCounts))
        #expect(RankingMetrics(inCounts: inCounts.span, outCounts: outCounts.span) == expected)
    }
}
