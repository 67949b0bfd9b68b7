import Reporting
import Testing

/// Tables on terminals that are narrower than the table.
@Suite(.timeLimit(.minutes(30))) struct TableStackingTests {
    /// Two runs, the first with two scores.
    private let table = Table(
        columns: ["dataset", "FPR@95", "AUROC", "FPR@95", "AUROC", "FPR@95", "AUROC"],
        groups: [
            [
                .init("", columnCount: 1), .init("ours, ACC 92.90", columnCount: 4),
                .init("baseline, ACC 90.30", columnCount: 2),
            ],
            [
                .init("", columnCount: 1), .init("t2fnorm", columnCount: 2), .init("msp", columnCount: 2),
                .init("msp", columnCount: 2),
            ],
        ],
        rows: [.init(["tin", "1.00", "2.00", "3.00", "4.00", "5.00", "6.00"])])

    @Test func aTableThatFitsStaysWhole() {
        #expect(table.console(width: 60) == table.console())
        #expect(table.console().split(separator: "\n").map(\.count).max() == 60)
    }

    @Test func runsAreStackedBeforeTheyAreCut() {
        #expect(
            table.console(width: 59) == """
                        │ ours, ACC 92.90
                        │ t2fnorm        msp
                dataset │ FPR@95  AUROC  FPR@95  AUROC
                ────────┼─────────────────────────────
                tin     │   1.00   2.00    3.00   4.00

                        │ baseline, ACC 90.30
                        │ msp
                dataset │ FPR@95        AUROC
                ────────┼────────────────────
                tin     │   5.00         6.00

                """)
    }

    @Test func scoresOfARunAreStackedWhereItIsTooWide() {
        #expect(
            table.console(width: 36).split(separator: "\n", omittingEmptySubsequences: false).prefix(12)
                .joined(
                    separator: "\n") == """
                            │ ours, ACC 92.90
                            │ t2fnorm
                    dataset │ FPR@95    AUROC
                    ────────┼────────────────
                    tin     │   1.00     2.00

                            │ ours, ACC 92.90
                            │ msp
                    dataset │ FPR@95    AUROC
                    ────────┼────────────────
                    tin     │   3.00     4.00

                    """)
    }

    @Test(arguments: [24, 30, 40, 60, 80, 120]) func everyCellIsShownOnceAndLinesFit(width: Int) {
        let lines = table.console(width: width).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= width })
        let cells = lines.filter { $0.hasPrefix("tin") }.flatMap {
            $0.split(whereSeparator: { " │".contains($0) })
        }
        .filter { $0 != "tin" }
        #expect(cells == ["1.00", "2.00", "3.00", "4.00", "5.00", "6.00"])
    }

    @Test func aTitleThatIsTooLongKeepsItsEnds() {
        let long = Table(
            columns: ["set", "FPR@95", "AUROC"],
            groups: [[.init("", columnCount: 1), .init("a-long-name-of-a-run, ACC 92.90", columnCount: 2)]],
            rows: [.init(["tin", "1.00", "2.00"])])
        #expect(
            long.console(width: 24) == """
                    │ a-long-n…ACC 92.90
                set │ FPR@95       AUROC
                ────┼───────────────────
                tin │   1.00        2.00

                """)
    }

    @Test func columnsWithoutGroupsAreStackedOneByOne() {
        let plain = Table(
            columns: ["set", "images", "norm"],
            rows: [.init(["test", "61", "1.25"]), .init(["数据", "7", "0.50"])])
        #expect(
            plain.console(width: 12) == """
                set   images
                ────────────
                test      61
                数据       7

                set   norm
                ──────────
                test  1.25
                数据  0.50

                """)
    }
}
