import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct MixedCrossEntropyTests {
    @Test(arguments: [2, 10, 101], [Float(0), 0.1, 0.9])
    func lossAndGradientAreThoseOfThePlainLoss(classes: Int, smoothing: Float) {
        let samples = Samples(classes: classes)
        let (gradient, report) = differentiate(samples, smoothing: smoothing, batchSize: 7)
        let plain = PlainLoss(
            labels: samples.labels, partners: samples.partners, shares: samples.shares.doubles,
            smoothing: Double(smoothing))
        let loss = stride(from: 0, to: 14, by: 2).reduce(0) { $0 + report[$1] } / 7
        #expect(abs(loss - plain(samples.logits.doubles)) < 1e-6)
        let expected = finiteDifferenceGradient(at: samples.logits.doubles, of: plain.callAsFunction)
        #expect(relativeError(gradient, expected) < 3e-6)
    }

    @Test func ofWholeLabelsItIsTheCrossEntropy() {
        var samples = Samples(classes: 10)
        samples.shares = [Float](repeating: 1, count: 7)
        let (gradient, report) = differentiate(samples, smoothing: 0, batchSize: 7)
        var expectedReport = [Double](repeating: .nan, count: 14)
        var reports = expectedReport.mutableSpan
        let expected = overwritten(70) {
            softmaxCrossEntropy(
                samples.logits.span, labels: samples.labels.span, classes: 10, batchSize: 7, into: &$0,
                report: &reports)
        }
        #expect(gradient == expected)
        #expect(report == expectedReport)
    }

    @Test func theLabelWithTheGreaterShareCounts() {
        let (_, report) = differentiate(
            Samples(
                logits: [0, 1, 2, 0, 1, 2, 0, 1, 2], labels: [2, 2, 1], partners: [1, 1, 2],
                shares: [0.5, 0.4, 0.3]), smoothing: 0, batchSize: 3)
        #expect([report[1], report[3], report[5]] == [1, 0, 1])
    }

    /// With equal logits the loss is log 2 = 0.693147, whatever the target.
    @Test func equalLogitsHaveTheLogarithmOfTheClasses() {
        let (gradient, report) = differentiate(
            Samples(logits: [3, 3], labels: [0], partners: [1], shares: [0.75]), smoothing: 0.2,
            batchSize: 2)
        #expect(abs(report[0] - 0.6931471805599453) < 1e-7)
        // t = 0.8 · 0.75 + 0.1 = 0.7.
        #expect(relativeError(gradient, [-0.1, 0.1]) < 1e-6)
    }

    private struct Samples {
        var logits: [Float]
        var labels: [Int32]
        var partners: [Int32]
        var shares: [Float]

        init(logits: [Float], labels: [Int32], partners: [Int32], shares: [Float]) {
            self.logits = logits
            self.labels = labels
            self.partners = partners
            self.shares = shares
        }

        init(classes: Int) {
            self.init(
                logits: testValues(count: 7 * classes, stream: 1, scale: 3),
                labels: testLabels(count: 7, classes: classes, stream: 2),
                partners: testLabels(count: 7, classes: classes, stream: 3),
                shares: [0, 0.1, 0.25, 0.5, 0.6, 0.99, 1])
        }
    }

    private func differentiate(
        _ samples: Samples, smoothing: Float, batchSize: Int
    ) -> (gradient: [Float], report: [Double]) {
        var report = [Double](repeating: .nan, count: 2 * samples.labels.count)
        var reportSpan = report.mutableSpan
        let gradient = overwritten(samples.logits.count) {
            mixedCrossEntropy(
                samples.logits.span, labels: samples.labels.span, partners: samples.partners.span,
                shares: samples.shares.span, smoothing: smoothing,
                classes: samples.logits.count / samples.labels.count, batchSize: batchSize, into: &$0,
                report: &reportSpan)
        }
        return (gradient, report)
    }
}
