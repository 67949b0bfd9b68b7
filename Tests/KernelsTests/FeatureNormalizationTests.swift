import Kernels
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct FeatureNormalizationTests {
    @Test(arguments: [1, 7, 64, 513], [Float(0.1), 0.05, 1])
    func matchesThePlainTwin(dimension: Int, temperature: Float) {
        let features = testValues(count: 5 * dimension, stream: 1, scale: 0.5, offset: 0.6)
        let (normalized, norms) = normalize(features, dimension: dimension, temperature: temperature)
        let expected = plainFeatureNormalization(
            features.doubles, dimension: dimension, temperature: Double(temperature))
        #expect(relativeError(normalized, expected) < 1e-6)

        let gradient = testValues(count: features.count, stream: 2)
        let result = differentiate(gradient, features, norms, dimension: dimension, temperature: temperature)
        let expectedGradient = plainFeatureNormalizationGradient(
            gradient.doubles, features: features.doubles, dimension: dimension,
            temperature: Double(temperature))
        // In one dimension the gradient is 0, the difference of two numbers as large as g / (τ‖h‖).
        let scale = euclideanNorm(gradient.doubles) / Double(temperature) / 0.1
        #expect(euclideanNorm(zip(result.doubles, expectedGradient).map { $0 - $1 }) < 1e-6 * scale)
        if dimension > 1 { #expect(relativeError(result, expectedGradient) < 3e-6) }
    }

    /// h = (3, 4), g = (1, 2), τ = 0.1, calculated by hand.
    @Test func threeAndFourHaveTheNormFive() {
        let (normalized, norms) = normalize([3, 4], dimension: 2, temperature: 0.1)
        #expect(norms == [5])
        #expect(relativeError(normalized, [6, 8]) < 1e-6)
        let gradient = differentiate([1, 2], [3, 4], norms, dimension: 2, temperature: 0.1)
        #expect(relativeError(gradient, [-0.64, 0.48]) < 1e-6)
    }

    @Test func aFeatureOfZerosStaysZeroAndPassesTheGradientOn() {
        let (normalized, norms) = normalize([0, 0], dimension: 2, temperature: 0.1)
        #expect(normalized == [0, 0])
        let gradient = differentiate([1, 2], [0, 0], norms, dimension: 2, temperature: 0.1)
        #expect(relativeError(gradient, [1e13, 2e13]) < 1e-6)
    }

    @Test func theGradientIsOrthogonalToTheFeature() {
        let features = testValues(count: 64, stream: 1, offset: 1)
        let (_, norms) = normalize(features, dimension: 64, temperature: 0.1)
        let gradient = differentiate(
            testValues(count: 64, stream: 2), features, norms, dimension: 64, temperature: 0.1)
        let along = innerProduct(gradient.doubles, features.doubles)
        #expect(abs(along) < 1e-6 * euclideanNorm(gradient.doubles) * euclideanNorm(features.doubles))
    }

    @Test(arguments: [0, 1, 7, 8, 9, 31, 513])
    func dotProductsOfAnyLengthAreExactToRounding(count: Int) {
        let left = testValues(count: count, stream: 1)
        let right = testValues(count: count, stream: 2)
        let exact = innerProduct(left.doubles, right.doubles)
        #expect(abs(Double(dotProduct(left.span, right.span)) - exact) < 1e-7 * Double(count + 1))
    }

    private func normalize(
        _ features: [Float], dimension: Int, temperature: Float
    ) -> (normalized: [Float], norms: [Float]) {
        var norms = [Float](repeating: .nan, count: features.count / dimension)
        var normSpan = norms.mutableSpan
        let normalized = overwritten(features.count) {
            normalizeFeatures(
                features.span, dimension: dimension, temperature: temperature, into: &$0, norms: &normSpan)
        }
        return (normalized, norms)
    }

    private func differentiate(
        _ gradient: [Float], _ features: [Float], _ norms: [Float], dimension: Int, temperature: Float
    ) -> [Float] {
        overwritten(features.count) {
            featureNormalizationGradient(
                gradient.span, features: features.span, norms: norms.span, dimension: dimension,
                temperature: temperature, into: &$0)
        }
    }
}
