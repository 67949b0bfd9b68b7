import Reporting
import Testing

@Suite(.timeLimit(.minutes(30))) struct TableTests {
    let table = Table(
        columns: ["set", "a", "long"],
        groups: [[.init("", columnCount: 1), .init("wide title", columnCount: 2)]],
        rows: [
            .init(["x", "1.00", "2"]), .init(["mean", "10.00 ± 0.5", "3"], isEmphasized: true),
            .init(["y", "", "4,5"]),
        ])

    @Test func columnsAreAligned() {
        #expect(
            table.console() == """
                     │ wide title
                set  │           a  long
                ─────┼──────────────────
                x    │        1.00     2
                mean │ 10.00 ± 0.5     3
                ─────┼──────────────────
                y    │               4,5

                """)
    }

    @Test func emphasisIsBoldOnATerminal() {
        let lines = table.console(styled: true).split(separator: "\n")
        #expect(lines[4] == "\u{1B}[1mmean │ 10.00 ± 0.5     3\u{1B}[0m")
        #expect(lines[3] == "x    │        1.00     2")
    }

    @Test func aTitleWiderThanItsColumnsWidensThem() {
        let narrow = Table(
            columns: ["", "a", "b"],
            groups: [[.init("", columnCount: 1), .init("title", columnCount: 1), .init("", columnCount: 1)]],
            rows: [.init(["x", "1", "2"])])
        #expect(narrow.console() == "  │ title │\n  │     a │ b\n──┼───────┼──\nx │     1 │ 2\n")
    }

    @Test func markdownSetsEmphasisInBold() {
        #expect(
            table.markdown == """
                | set | wide title a | wide title long |
                | --- | ---: | ---: |
                | x | 1.00 | 2 |
                | **mean** | **10.00 ± 0.5** | **3** |
                | y |  | 4,5 |

                """)
    }

    @Test func aBarInACellIsNoColumnInMarkdown() {
        let table = Table(columns: ["set", "a|b"], rows: [.init(["x|y", "1"])])
        #expect(table.markdown == "| set | a\\|b |\n| --- | ---: |\n| x\\|y | 1 |\n")
    }

    @Test func csvQuotesWhereNeeded() {
        let table = Table(columns: ["", "b"], rows: [.init(["4,5", "a \"b\""])])
        #expect(table.csv == ",b\n\"4,5\",\"a \"\"b\"\"\"\n")
    }
}
