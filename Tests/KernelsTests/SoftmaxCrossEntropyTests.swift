import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct SoftmaxCrossEntropyTests {
    @Test(arguments: [2, 3, 10, 100], [Float(1), 30])
    func lossAndGradientMatchThePlainTwin(classes: Int, scale: Float) {
        let logits = testValues(count: 7 * classes, stream: 1, scale: scale)
        let labels = testLabels(count: 7, classes: classes, stream: 2)
        let (gradient, report) = differentiate(logits, labels, classes: classes, batchSize: 7)
        let loss = stride(from: 0, to: 14, by: 2).reduce(0) { $0 + report[$1] } / 7
        let expected = plainCrossEntropy(logits.doubles, labels: labels, classes: classes)
        // The largest logit is subtracted in single precision.
        #expect(abs(loss - expected) < 1e-6 * Double(scale))
        let expectedGradient = plainCrossEntropyGradient(logits.doubles, labels: labels, classes: classes)
        #expect(relativeError(gradient, expectedGradient) < 2e-6 * Double(scale))
    }

    @Test func aShareOfTheBatchIsDividedByTheWholeBatch() {
        let logits = testValues(count: 2 * 10, stream: 1)
        let (own, _) = differentiate(logits, [3, 4], classes: 10, batchSize: 2)
        let (share, _) = differentiate(logits, [3, 4], classes: 10, batchSize: 8)
        #expect(relativeError(share, own.doubles.map { $0 / 4 }) < 1e-7)
    }

    @Test func hugeLogitsGiveFiniteLosses() {
        let (gradient, report) = differentiate([1e30, -1e30, 0], [1], classes: 3, batchSize: 1)
        #expect(report[0] == Double(Float(2e30)))
        #expect(gradient == [1, -1, 0])
    }

    @Test func equalLogitsCountAsTheFirstClass() {
        let (_, report) = differentiate([1, 1, 1, 1], [0, 1], classes: 2, batchSize: 2)
        #expect(report[1] == 1)
        #expect(report[3] == 0)
    }

    @Test func softmaxRowsSumToOne() {
        let logits = testValues(count: 5 * 17, stream: 1, scale: 80)
        let rows = overwritten(5 * 17) { softmax(logits.span, classes: 17, into: &$0) }
        for row in 0..<5 {
            #expect(abs(rows[row * 17..<(row + 1) * 17].doubles.reduce(0, +) - 1) < 1e-6)
        }
    }

    private func differentiate(
        _ logits: [Float], _ labels: [Int32], classes: Int, batchSize: Int
    ) -> (gradient: [Float], report: [Double]) {
        var report = [Double](repeating: .nan, count: 2 * labels.count)
        var reportSpan = report.mutableSpan
        let gradient = overwritten(logits.count) {
            softmaxCrossEntropy(
                logits.span, labels: labels.span, classes: classes, batchSize: batchSize, into: &$0,
                report: &reportSpan)
        }
        return (gradient, report)
    }
}
