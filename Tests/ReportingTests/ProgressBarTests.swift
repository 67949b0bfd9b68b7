import Reporting
import Testing

@Suite(.timeLimit(.minutes(30))) struct ProgressBarTests {
    private let fields = [
        "50.0 %", "ETA 1:28:20", "epoch 1/5", "step 84/391", "loss 1.6640", "accuracy 40.6 %", "141 img/s",
    ]

    @Test(arguments: 0...200) func theLineNeverWrapsAndHasWholeFields(width: Int) {
        let line = progressBar(0.5, fields: fields, width: width)
        #expect(columnCount(line) <= max(width - 1, 0))
        let shown = line.drop { "█░ ".contains($0) }.split(separator: "  ").map(String.init)
        #expect(shown == Array(fields.prefix(shown.count)), "\(line)")
    }

    @Test func theTimeThatIsLeftComesBeforeWhatElseThereIs() {
        #expect(progressBar(0.5, fields: fields, width: 20) == "50.0 %  ETA 1:28:20")
        #expect(progressBar(0.5, fields: fields, width: 40) == "██████████░░░░░░░░░ 50.0 %  ETA 1:28:20")
        #expect(
            progressBar(0.5, fields: fields, width: 60)
                == "████████░░░░░░░ 50.0 %  ETA 1:28:20  epoch 1/5  step 84/391")
        #expect(
            progressBar(0.5, fields: fields, width: 80)
                == "███████████░░░░░░░░░░░ 50.0 %  ETA 1:28:20  epoch 1/5  step 84/391  loss 1.6640")
        #expect(progressBar(0.5, fields: fields, width: 120).hasSuffix("░ \(fields.joined(separator: "  "))"))
    }

    @Test func theBarTakesWhatTheFieldsLeave() {
        #expect(progressBar(0.5, fields: ["half"], width: 10) == "██░░ half")
        #expect(progressBar(0.5, fields: ["half"], width: 9) == "half")
        #expect(progressBar(0.5, fields: ["half"], width: 5) == "half")
        #expect(progressBar(0.5, fields: ["too long"], width: 7) == "███░░░")
        #expect(
            progressBar(0.25, fields: ["x"], width: 200).prefix { $0 != " " } == "██████░░░░░░░░░░░░░░░░░░")
        #expect(progressBar(2, fields: ["x"], width: 8) == "█████ x")
    }

    @Test func wideCharactersTakeTwoColumns() {
        #expect(columnCount("set") == 3 && columnCount("données") == 7 && columnCount("donne\u{301}es") == 7)
        #expect(columnCount("数据集") == 6 && columnCount("한국") == 4)
        #expect(columnCount("🚀") == 2 && columnCount("✔️") == 2 && columnCount("│─█") == 3)
    }
}
