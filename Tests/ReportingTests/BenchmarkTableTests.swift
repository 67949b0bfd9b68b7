import Metrics
import Reporting
import Testing

@Suite(.timeLimit(.minutes(30))) struct BenchmarkTableTests {
    let perfect: RankingMetrics
    let useless: RankingMetrics

    init() throws {
        perfect = try RankingMetrics(inDistribution: [2, 3, 4], outOfDistribution: [0, 1])
        useless = try RankingMetrics(inDistribution: [0.5, 0.5, 0.5], outOfDistribution: [0.5, 0.5])
    }

    private func result(
        near: [(String, RankingMetrics)], far: [(String, RankingMetrics)], correct: Int = 2
    ) -> BenchmarkResult {
        BenchmarkResult(
            near: near.map { .init(dataset: $0.0, metrics: $0.1) },
            far: far.map { .init(dataset: $0.0, metrics: $0.1) },
            accuracy: Accuracy(correct: correct, count: 3))
    }

    @Test func oneRunIsWrittenWithoutADeviation() {
        let run = result(near: [("tin", useless), ("cifar100", perfect)], far: [("svhn", perfect)])
        #expect(
            Table(BenchmarkSummary([run])).csv == """
                ,FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC
                tin,100.00,50.00,80.00,70.00,66.67
                cifar100,0.00,100.00,100.00,100.00,66.67
                nearood,50.00,75.00,90.00,85.00,66.67
                svhn,0.00,100.00,100.00,100.00,66.67
                farood,0.00,100.00,100.00,100.00,66.67

                """)
    }

    @Test func aMissingDatasetHasAnEmptyRow() {
        let result = BenchmarkResult(
            near: [.init(dataset: "tin", metrics: perfect), .init(dataset: "cifar100", metrics: nil)],
            far: [],
            accuracy: Accuracy(correct: 1, count: 2))
        let summary = BenchmarkSummary([result])
        #expect(
            Table(summary).csv == """
                ,FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC
                tin,0.00,100.00,100.00,100.00,50.00
                cifar100,,,,,
                nearood,0.00,100.00,100.00,100.00,50.00

                """)
        let beside = Table(comparing: [.init(run: "a", score: "msp", summary: summary)])
        #expect(beside.rows.map(\.cells)[1] == ["cifar100", "–", "–"])
    }

    /// Two runs with the same title are two groups.
    @Test func columnsAreGroupedByRunAndNotByTitle() {
        let better = BenchmarkSummary([result(near: [("tin", perfect)], far: [], correct: 3)])
        let worse = BenchmarkSummary([result(near: [("tin", useless)], far: [], correct: 1)])
        let table = Table(comparing: [
            .init(run: "s0", score: "msp", summary: better, group: "0"),
            .init(run: "s0", score: "ebo", summary: better, group: "0"),
            .init(run: "s0", score: "msp", summary: worse, group: "1"),
        ])
        #expect(table.groups[0].map(\.title) == ["", "s0, ACC 100.00", "s0, ACC 33.33"])
        #expect(table.groups[0].map(\.columnCount) == [1, 4, 2])
    }

    @Test func intervalsAreWrittenFromLowToHigh() {
        let table = Table(
            rows: [.dataset("tin"), .nearMean],
            intervals: [[0...1, 2.5...3, 4...5, 6...7, 8...9.125], [nil, nil, nil, nil, nil]])
        #expect(
            table.csv == """
                ,FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC
                tin,0.00 – 1.00,2.50 – 3.00,4.00 – 5.00,6.00 – 7.00,8.00 – 9.12
                nearood,,,,,

                """)
    }

    @Test func severalRunsAreWrittenAsMeanAndDeviation() {
        let runs = [
            result(near: [], far: [("svhn", useless)], correct: 2),
            result(near: [], far: [("svhn", perfect)], correct: 3),
        ]
        let row = "50.00 ± 50.00,75.00 ± 25.00,90.00 ± 10.00,85.00 ± 15.00,83.33 ± 16.67"
        #expect(
            Table(BenchmarkSummary(runs)).csv
                == ",FPR@95,AUROC,AUPR_IN,AUPR_OUT,ACC\nsvhn,\(row)\nfarood,\(row)\n")
    }

    @Test func runsStandSideBySide() {
        let first = BenchmarkSummary([result(near: [("tin", perfect)], far: [("svhn", perfect)])])
        let second = BenchmarkSummary([result(near: [("tin", useless)], far: [("dtd", useless)])])
        let table = Table(comparing: [
            .init(run: "ours", score: "t2fnorm", summary: first),
            .init(run: "ours", score: "msp", summary: second),
            .init(run: "baseline", score: "msp", summary: second),
        ])
        #expect(
            table.console() == """
                        │ ours, ACC 66.67               │ baseline, ACC 66.67
                        │ t2fnorm         msp           │ msp
                dataset │ FPR@95   AUROC  FPR@95  AUROC │ FPR@95        AUROC
                ────────┼───────────────────────────────┼────────────────────
                tin     │   0.00  100.00  100.00  50.00 │ 100.00        50.00
                nearood │   0.00  100.00  100.00  50.00 │ 100.00        50.00
                ────────┼───────────────────────────────┼────────────────────
                svhn    │   0.00  100.00       –      – │      –            –
                dtd     │      –       –  100.00  50.00 │ 100.00        50.00
                farood  │   0.00  100.00  100.00  50.00 │ 100.00        50.00

                """)
        #expect(table.markdown.hasPrefix("| dataset | ours, ACC 66.67 t2fnorm FPR@95 |"))
    }
}
