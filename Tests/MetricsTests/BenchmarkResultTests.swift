import Metrics
import Testing

@Suite(.timeLimit(.minutes(30))) struct BenchmarkResultTests {
    let perfect: RankingMetrics
    let useless: RankingMetrics
    let accuracy = Accuracy(correct: 3, count: 4)

    init() throws {
        perfect = try RankingMetrics(inDistribution: [2, 3, 4], outOfDistribution: [0, 1])
        useless = try RankingMetrics(inDistribution: [0.5, 0.5, 0.5], outOfDistribution: [0.5, 0.5])
    }

    @Test func meansFollowTheirDatasetsInOrder() {
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: useless), .init(dataset: "cifar100", metrics: perfect)],
            far: [.init(dataset: "svhn", metrics: perfect)], accuracy: accuracy)
        #expect(result.rows.map(\.name) == ["tin", "cifar100", "nearood", "svhn", "farood"])
        #expect(result.rows.map(\.isMean) == [false, false, true, false, true])
    }

    @Test func aMeanRowWeighsDatasetsEqually() {
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: useless), .init(dataset: "cifar100", metrics: perfect)],
            far: [], accuracy: accuracy)
        #expect(result[.dataset("tin"), .falsePositiveRate] == 100)
        #expect(result[.nearMean, .falsePositiveRate] == 50)
        #expect(result[.nearMean, .areaUnderROC] == 75)
        #expect(result[.nearMean, .areaUnderPrecisionRecallIn] == 90)
        #expect(result[.nearMean, .areaUnderPrecisionRecallOut] == 85)
        #expect(result[.nearMean, .accuracy] == 75)
        #expect(result[.farMean, .areaUnderROC] == nil)
    }

    /// The threshold that catches 19 of 20 out-of-distribution samples flags one of two
    /// in-distribution samples. Its point lies in the middle of a straight run of the ROC, whose
    /// points scikit-learn drops.
    @Test func tablesShowThePublishedFalsePositiveRate() {
        let inCounts: [Int32] = [0, 1, 1]
        let outCounts: [Int32] = [18, 1, 1]
        let tied = RankingMetrics(inCounts: inCounts.span, outCounts: outCounts.span)
        #expect(tied.exactFalsePositiveRate == 0.5)
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: tied)], far: [], accuracy: accuracy)
        #expect(result[.dataset("tin"), .falsePositiveRate] == 100)
    }

    @Test func withoutAClassifierThereIsNoAccuracyAndAllElse() {
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: useless), .init(dataset: "cifar100", metrics: perfect)],
            far: [], accuracy: nil)
        #expect(result[.dataset("tin"), .accuracy] == nil && result[.nearMean, .accuracy] == nil)
        #expect(result[.nearMean, .areaUnderROC] == 75)
        #expect(BenchmarkSummary([result])[.nearMean, .accuracy] == nil)
    }

    @Test func aMissingDatasetHasARowWithoutValuesAndNoPartInTheMean() {
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: useless), .init(dataset: "cifar100", metrics: nil)],
            far: [.init(dataset: "svhn", metrics: nil)], accuracy: accuracy)
        #expect(result.rows.map(\.name) == ["tin", "cifar100", "nearood", "svhn", "farood"])
        #expect(result[.dataset("cifar100"), .areaUnderROC] == nil)
        #expect(result[.dataset("cifar100"), .accuracy] == nil)
        #expect(result[.nearMean, .areaUnderROC] == 50)
        #expect(result[.farMean, .areaUnderROC] == nil)
        let summary = BenchmarkSummary([result, result])
        #expect(summary[.nearMean, .areaUnderROC] == Spread(mean: 50, deviation: 0))
        #expect(summary[.farMean, .areaUnderROC] == nil)
    }

    @Test func rowsComeBackFromTheirNames() {
        for row in [BenchmarkRow.dataset("tin"), .nearMean, .farMean] {
            #expect(BenchmarkRow(name: row.name) == row)
        }
    }

    @Test func aSpreadDividesByTheNumberOfValues() {
        let spread = Spread([1, 2, 3, 6])
        #expect(spread.mean == 3)
        #expect(spread.deviation == 3.5.squareRoot())
        #expect(Spread([4]).deviation == 0)
    }

    @Test func theDeviationOfAMeanRowIsThatOfTheRunsMeans() {
        func run(_ first: RankingMetrics, _ second: RankingMetrics) -> BenchmarkResult {
            BenchmarkResult(
                near: [.init(dataset: "a", metrics: first), .init(dataset: "b", metrics: second)], far: [],
                accuracy: accuracy)
        }
        let summary = BenchmarkSummary([run(perfect, useless), run(useless, perfect)])
        #expect(summary.runCount == 2)
        #expect(summary[.dataset("a"), .areaUnderROC] == Spread([100, 50]))
        #expect(summary[.dataset("a"), .areaUnderROC]?.deviation == 25)
        #expect(summary[.nearMean, .areaUnderROC]?.mean == 75)
        #expect(summary[.nearMean, .areaUnderROC]?.deviation == 0)
    }
}

@Suite(.timeLimit(.minutes(30))) struct AccuracyTests {
    @Test func pooledAccuracyWeighsImages() {
        let first = Accuracy(predictions: [1, 2, 0], labels: [1, 2, 2])
        let second = Accuracy(predictions: [0], labels: [1])
        #expect(first.fraction == 2.0 / 3)
        #expect((first + second).fraction == 0.5)
        #expect((first + second).count == 4)
    }
}
