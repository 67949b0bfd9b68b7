import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct LogitNormalizationTests {
    @Test(arguments: [2, 10, 101], [Float(0.04), 1])
    func matchesThePlainTwinAndItsFiniteDifferences(classes: Int, temperature: Float) {
        let logits = testValues(count: 3 * classes, stream: 1, scale: 4)
        let (normalized, norms) = normalize(logits, classes: classes, temperature: temperature)
        let rows = { (values: [Double]) in
            stride(from: 0, to: values.count, by: classes).flatMap {
                plainLogitNormalization(
                    Array(values[$0..<$0 + classes]), temperature: Double(temperature))
            }
        }
        #expect(relativeError(normalized, rows(logits.doubles)) < 1e-6)

        let gradient = testValues(count: logits.count, stream: 2)
        let result = differentiate(gradient, logits, norms, classes: classes, temperature: temperature)
        let expected = finiteDifferenceGradient(at: logits.doubles) {
            innerProduct(rows($0), gradient.doubles)
        }
        #expect(relativeError(result, expected) < 1e-5)
    }

    /// z = (3, 4), g = (1, 2), τ = 0.1: the gradient of T2FNorm's worked example, (−0.64, 0.48),
    /// except for the offset.
    @Test func threeAndFourHaveTheNormFive() {
        let (normalized, norms) = normalize([3, 4], classes: 2, temperature: 0.1)
        #expect(norms == [5])
        #expect(relativeError(normalized, [6, 8]) < 1e-6)
        let gradient = differentiate([1, 2], [3, 4], norms, classes: 2, temperature: 0.1)
        #expect(relativeError(gradient, [-0.64, 0.48]) < 2e-6)
    }

    @Test func logitsOfZeroPassTheGradientOn() {
        let (normalized, norms) = normalize([0, 0], classes: 2, temperature: 0.04)
        #expect(normalized == [0, 0])
        let gradient = differentiate([1, 2], [0, 0], norms, classes: 2, temperature: 0.04)
        #expect(relativeError(gradient, [2.5e8, 5e8]) < 1e-6)
    }

    private func normalize(
        _ logits: [Float], classes: Int, temperature: Float
    ) -> (normalized: [Float], norms: [Float]) {
        var norms = [Float](repeating: .nan, count: logits.count / classes)
        var normSpan = norms.mutableSpan
        let normalized = overwritten(logits.count) {
            normalizeLogits(
                logits.span, classes: classes, temperature: temperature, into: &$0, norms: &normSpan)
        }
        return (normalized, norms)
    }

    private func differentiate(
        _ gradient: [Float], _ logits: [Float], _ norms: [Float], classes: Int, temperature: Float
    ) -> [Float] {
        overwritten(logits.count) {
            logitNormalizationGradient(
                gradient.span, logits: logits.span, norms: norms.span, classes: classes,
                temperature: temperature, into: &$0)
        }
    }
}
