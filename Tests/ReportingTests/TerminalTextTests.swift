import Reporting
import Testing

@Suite(.timeLimit(.minutes(30))) struct TerminalTextTests {
    @Test(arguments: [
        ("data/cifar10/train", "data/cifar10/train"),
        ("Straße 日本 مرحبا ± × → 👩\u{200D}🔬", "Straße 日本 مرحبا ± × → 👩\u{200D}🔬"),
        ("a\u{1B}[2Jb", "a\\x1b[2Jb"), ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
        ("\u{0}\u{7}\u{7F}", "\\x00\\x07\\x7f"),
        ("a\u{9B}2J\u{85}", "a\\x9b2J\\x85"), ("x\u{202E}gpj.exe\u{2066}", "x\\u{202e}gpj.exe\\u{2066}"),
        ("\u{200F}\u{FEFF}\u{E0041}\u{2028}\u{2029}", "\\u{200f}\\u{feff}\\u{e0041}\\u{2028}\\u{2029}"),
        ("e\u{301}\u{1B}", "e\u{301}\\x1b"), ("", ""),
    ])
    func whatControlsATerminalIsShown(text: String, shown: String) {
        #expect(terminalText(text) == shown)
    }

    @Test func linesOfOurOwnStay() {
        #expect(terminalText("a\n\tb\u{1B}\r\n", keepsNewlines: true) == "a\n\tb\\x1b\\r\n")
    }

    @Test func aTablesCellsAreShownAndAligned() {
        let table = Table(
            columns: ["set", "a"],
            rows: [.init(["x\u{1B}[2J\n", "1"]), .init(["y", "2"], isEmphasized: true)])
        #expect(table.console() == "set         a\n─────────────\nx\\x1b[2J\\n  1\ny           2\n")
        #expect(table.console(styled: true).contains("\u{1B}[1my           2\u{1B}[0m"))
        #expect(table.markdown.contains("| x\\x1b[2J\\n | 1 |"))
        let long = Table(columns: ["set"], rows: [.init([String(repeating: "x", count: 5_000_000)])])
        #expect(long.console().count < 1000)
    }

    @Test func longTextsAreCut() {
        #expect(shortened("12345", to: 5) == "12345")
        #expect(shortened("123456", to: 5) == "12345… (1 more characters)")
        #expect(shortened("ääääää", to: 6) == "ääääää")
    }
}
