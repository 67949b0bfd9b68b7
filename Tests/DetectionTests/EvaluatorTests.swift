import Cluster
import Datasets
import Detection
import Metrics
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct EvaluatorTests {
    /// Each of a prime number of records is scored once, and all numbers of ranks give the same
    /// bits on every rank.
    @Test func tenThousandAndSevenRecordsAreScoredOnceEach() throws {
        let counts = [10_007, 31, 7, 1]
        var first: Evaluation?
        for (ranks, threads) in [(1, 2), (2, 1), (4, 1)] {
            let own = try DrawnBenchmark.evaluate(
                ranks: ranks, threads: threads, counts: counts, scores: [.msp, .ebo], microbatch: 32)
            for evaluation in own {
                #expect(evaluation.sets == own[0].sets)
                #expect(evaluation.results.map(\.result) == own[0].results.map(\.result))
            }
            let evaluation = try #require(own.first)
            #expect(evaluation.sets.map(\.records) == counts.map { Array(0..<$0) })
            #expect(evaluation.accuracy?.count == 10_007)
            if let first {
                #expect(evaluation.sets == first.sets, "\(ranks) ranks")
                #expect(evaluation.results.map(\.result) == first.results.map(\.result))
                #expect(evaluation.fullSpectrum.map(\.result) == first.fullSpectrum.map(\.result))
            }
            first = first ?? evaluation
        }
    }

    /// The full-spectrum task is the standard one with the shifted set's confidences and correct
    /// predictions on the in-distribution side.
    @Test func theFullSpectrumPoolsTheShiftedSets() throws {
        let evaluation = try #require(
            try DrawnBenchmark.evaluate(ranks: 1, counts: [40, 30, 20, 25], scores: [.ebo, .mls]).first)
        #expect(evaluation.fullSpectrum.map(\.score) == [.ebo, .mls])
        let sets = evaluation.sets
        #expect(sets.map(\.name) == ["test", "near", "far", "shifted"])
        let pooled = try RankingMetrics(
            inDistribution: sets[0].confidences[1] + sets[3].confidences[1],
            outOfDistribution: sets[2].confidences[1])
        let result = evaluation.fullSpectrum[1].result
        #expect(result[.dataset("far"), .areaUnderROC] == 100 * pooled.areaUnderROC)
        let correct = (sets[0].isCorrect + sets[3].isCorrect).count { $0 }
        #expect(result[.dataset("far"), .accuracy] == 100 * (Double(correct) / 65))
        #expect(
            evaluation.results[1].result[.dataset("far"), .accuracy]
                == evaluation.accuracy.map { 100 * $0.fraction })
    }

    /// Two settings of a sharded score and of a score of the network, which capture values of their
    /// own, give in one table what each gives alone.
    @Test(arguments: [1, 2]) func settingsOfOneScoreStandInOneTable(ranks: Int) throws {
        let titles = ["knn:k=3", "odin", "knn:k=7", "odin:temperature=1"]
        let scores = try titles.map(ScoreCatalogue.standard.score)
        let counts = [40, 12, 9, 8]
        let together = try #require(
            try DrawnBenchmark.evaluate(ranks: ranks, counts: counts, scores: scores).first)
        #expect(together.results.map(\.score.title) == titles)
        for (place, score) in scores.enumerated() {
            let alone = try #require(
                try DrawnBenchmark.evaluate(ranks: 1, counts: counts, scores: [score]).first)
            #expect(together.sets.map { $0.confidences[place] } == alone.sets.map { $0.confidences[0] })
        }
        let first = together.sets[0].confidences
        #expect(first[0] != first[2] && first[1] != first[3])
    }

    @Test func aMissingSetKeepsItsRow() throws {
        let drawn = DrawnBenchmark(rows: (near: ["near", "lost"], far: ["far"]))
        let evaluation = try drawn.evaluator(LocalCommunicator(), pool: WorkerPool(threads: 1)).evaluate(
            drawn.benchmark, scores: [.msp])
        let result = evaluation.results[0].result
        #expect(result.rows.map(\.name) == ["near", "lost", "nearood", "far", "farood"])
        #expect(result[.dataset("lost"), .areaUnderROC] == nil)
        #expect(result[.nearMean, .areaUnderROC] == result[.dataset("near"), .areaUnderROC])
    }

    /// As OpenOOD does with ImageNet-C.
    @Test func aSetThatKeepsItsSizeIsNotResized() throws {
        let confidences = try [(8, false), (12, false), (12, true)].map { shorterSide, keepsSize in
            var drawn = DrawnBenchmark()
            drawn.benchmark.near = [
                NamedSet(name: "near", source: DrawnSet(count: 30, stream: 2, keepsSize: keepsSize))
            ]
            return try drawn.evaluator(
                LocalCommunicator(), shorterSide: shorterSide, pool: WorkerPool(threads: 1)
            ).evaluate(drawn.benchmark, scores: [.mls]).sets[1].confidences[0]
        }
        #expect(confidences[2] == confidences[0])
        #expect(confidences[2] != confidences[1])
    }

    @Test func withoutShiftedSetsThereIsNoFullSpectrum() throws {
        var drawn = DrawnBenchmark()
        drawn.benchmark.covariateShifted = []
        let evaluation = try drawn.evaluator(LocalCommunicator(), pool: WorkerPool(threads: 1)).evaluate(
            drawn.benchmark, scores: [.msp])
        #expect(drawn.benchmark.tasks == [.standard])
        #expect(evaluation.fullSpectrum.isEmpty)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct FeatureDiagnosticsTests {
    /// The sweep at the head's τ gives the AUROC of `t2fnorm`; the norm's area is the AUROC of the
    /// norms.
    @Test func theSweepHasTheScoresOwnTemperature() throws {
        let drawn = DrawnBenchmark()
        let pool = WorkerPool(threads: 1)
        let measure = FeatureMeasure(drawn.classifier, microbatchSize: 8, pool: pool)
        let evaluation = try drawn.evaluator(LocalCommunicator(), pool: pool).evaluate(
            drawn.benchmark, scores: [.t2fnorm], measure: measure)
        let diagnostics = try FeatureDiagnostics(evaluation.sets, measure)
        #expect(diagnostics.rows.map(\.name) == ["test", "near", "far", "shifted"])
        #expect(diagnostics.rows.map(\.count) == [40, 30, 20, 25])
        #expect(diagnostics.rows[0].areas == nil && diagnostics.rows[0].normRatio == 1)
        let place = try #require(diagnostics.temperatures.firstIndex(of: 0.1))
        for (row, set) in zip(diagnostics.rows, evaluation.sets).dropFirst() {
            let areas = try #require(row.areas)
            let own = try RankingMetrics(
                inDistribution: evaluation.sets[0].confidences[0], outOfDistribution: set.confidences[0])
            // W / τ and (W h) / τ round differently.
            #expect(abs(areas.sweep[place] - 100 * own.areaUnderROC) < 1)
            let norms = try RankingMetrics(
                inDistribution: evaluation.sets[0].measures[0].map(Double.init),
                outOfDistribution: set.measures[0].map(Double.init))
            #expect(areas.norm == 100 * norms.areaUnderROC)
            #expect(row.meanNorm > 0)
            #expect(abs(row.normRatio * row.meanNorm - diagnostics.rows[0].meanNorm) < 1e-9)
        }
        #expect(Set(diagnostics.rows.dropFirst().compactMap(\.areas?.sweep)).count == 3)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct BootstrapTests {
    private static func intervals(
        replicates: Int, seed: UInt64 = 0, threads: Int = 1, task: Benchmark.Task = .standard
    ) -> (rows: [BenchmarkRow], values: [[ClosedRange<Double>?]]) {
        let drawn = DrawnBenchmark(
            counts: [400, 300, 300, 100], rows: (near: ["near", "lost"], far: ["far"]))
        let values = { (stream: Int, count: Int, offset: Float) in
            testValues(count: count, stream: stream, offset: offset).map(Double.init)
        }
        let sets = zip(drawn.benchmark.sets, [Float(0.5), 0, -0.5, 0.3]).enumerated().map { place, pair in
            let count = pair.0.source.count
            return ScoredSet(
                name: pair.0.name, records: Array(0..<count), labels: [Int32](repeating: 1, count: count),
                predictions: (0..<count).map { Int32($0 % 4 == 0 ? 0 : 1) },
                confidences: [values(place, count, pair.1)])
        }
        return Bootstrap(replicates: replicates, seed: seed).intervals(
            drawn.benchmark, sets, at: 0, task: task, on: WorkerPool(threads: threads))
    }

    @Test func theIntervalsAreAsWideAsTheoryHasThem() throws {
        let (rows, values) = Self.intervals(replicates: 400)
        #expect(rows.map(\.name) == ["near", "lost", "nearood", "far", "farood"])
        #expect(values[1].allSatisfy { $0 == nil })
        // An accuracy of ¾ on 400 images has a standard error of 2.165 points, so its 95 % interval
        // is 8.49 points wide.
        let accuracy = try #require(values[0][4])
        #expect(accuracy.contains(75))
        #expect(abs(accuracy.upperBound - accuracy.lowerBound - 8.49) < 1.5)
        // The mean row over a single present set equals that set's row.
        #expect(values[2] == values[0])
        let area = try #require(values[0][1])
        #expect(area.upperBound - area.lowerBound > 2 && area.upperBound - area.lowerBound < 12)
    }

    /// All sets have equally many images with the same confidences. If draws were shared, the rows
    /// would be equal and the first row's AUROC would be 50 in every replicate.
    @Test func everySetHasDrawsOfItsOwn() throws {
        let drawn = DrawnBenchmark(counts: [200, 200, 200, 200])
        let confidences = testValues(count: 200, stream: 1).map(Double.init)
        let sets = drawn.benchmark.sets.map { set in
            ScoredSet(
                name: set.name, records: Array(0..<200), labels: [Int32](repeating: 1, count: 200),
                predictions: [Int32](repeating: 1, count: 200), confidences: [confidences])
        }
        for task in [Benchmark.Task.standard, .fullSpectrum] {
            let (rows, values) = Bootstrap(replicates: 40).intervals(
                drawn.benchmark, sets, at: 0, task: task, on: WorkerPool(threads: 1))
            let areas = try ["near", "far"].map { name in
                let row = try #require(rows.firstIndex { $0.name == name })
                return try #require(values[row][1])
            }
            #expect(areas[0] != areas[1])
            // The standard error is about 2.9 points around 50.
            for area in areas { #expect(area.upperBound - area.lowerBound > 4, "\(area)") }
        }
    }

    @Test func theIntervalsAreAFunctionOfTheSeedAlone() throws {
        let one = Self.intervals(replicates: 40)
        #expect(Self.intervals(replicates: 40, threads: 2).values == one.values)
        #expect(Self.intervals(replicates: 40, seed: 1).values != one.values)
        #expect(Self.intervals(replicates: 40, task: .fullSpectrum).values != one.values)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct ScoreThresholdTests {
    @Test(arguments: [(0.95, 1.0), (1, 0), (0.5, 10), (0.05, 19), (0.001, 19)])
    func aShareOfTheImagesHasTheThresholdAtLeast(rate: Double, expected: Double) throws {
        let threshold = try ScoreThreshold((0..<20).reversed().map(Double.init), of: .msp)
        #expect(threshold.value(atRate: rate) == expected)
    }

    @Test func confidencesThatAreNoNumbersAreRefused() {
        #expect(throws: FitError.self) { try ScoreThreshold([], of: .msp) }
        #expect(throws: FitError.self) { try ScoreThreshold([1, .nan], of: .msp) }
    }
}
