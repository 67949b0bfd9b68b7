import Reporting
import Testing

@Suite struct ProgressBarTests {
    private let caption = "50.0 %  epoch 1/5  step 84/391  loss 1.6640  accuracy 40.6 %  141 img/s  ETA 28:20"

    @Test(arguments: [0, 1, 20, 80, 85, 100, 200])
    func theLineNeverWraps(width: Int) {
        #expect(progressBar(0.5, caption: caption, width: width).count <= max(width - 1, 0))
    }

    @Test func theBarTakesWhatTheCaptionLeaves() {
        #expect(progressBar(0.5, caption: "half", width: 10) == "██░░ half")
        #expect(progressBar(0.5, caption: "half", width: 9) == "half")
        #expect(
            progressBar(0.25, caption: "x", width: 200).prefix { $0 != " " } == "██████░░░░░░░░░░░░░░░░░░")
        #expect(progressBar(2, caption: "x", width: 8) == "█████ x")
    }
}
