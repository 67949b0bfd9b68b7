import Kernels
import TestSupport
import Testing

/// Tests the specifications themselves: each twin's gradient is the derivative of its forward
/// function.
///
/// Each test takes the inner product of the output with fixed weights, whose gradient is the
/// backward function applied to those weights. Central differences are accurate to about 1e-10.
@Suite(.timeLimit(.minutes(30)))
struct PlainTwinTests {
    private static let tolerance = 1e-7

    @Test(arguments: [
        ConvolutionShape(height: 4, width: 3, channels: 2, outputChannels: 3, kernel: 3, padding: 1),
        ConvolutionShape(
            height: 5, width: 6, channels: 1, outputChannels: 2, kernel: 3, stride: 2, padding: 2),
        ConvolutionShape(height: 3, width: 4, channels: 3, outputChannels: 2, kernel: 1, stride: 2),
    ])
    func convolution(shape: ConvolutionShape) {
        let input = testValues(count: 2 * shape.inputCount, stream: 1).doubles
        let weights = testValues(count: shape.weightCount, stream: 2).doubles
        let gradient = testValues(count: 2 * shape.outputCount, stream: 3).doubles
        let byInput = finiteDifferenceGradient(at: input) {
            innerProduct(plainConvolution($0, weights: weights, shape), gradient)
        }
        #expect(
            relativeError(plainConvolutionInputGradient(gradient, weights: weights, shape), byInput)
                < Self.tolerance)
        let byWeights = finiteDifferenceGradient(at: weights) {
            innerProduct(plainConvolution(input, weights: $0, shape), gradient)
        }
        #expect(
            relativeError(plainConvolutionWeightGradient(input, outputGradient: gradient, shape), byWeights)
                < Self.tolerance)
    }

    @Test(arguments: [1, 3])
    func batchNormalization(channels: Int) {
        let input = testValues(count: 7 * channels, stream: 1).doubles
        let weight = testValues(count: channels, stream: 2, offset: 1.5).doubles
        let bias = testValues(count: channels, stream: 3).doubles
        let gradient = testValues(count: input.count, stream: 4).doubles
        let result = plainBatchNormalizationGradient(gradient, input: input, weight: weight)
        let byInput = finiteDifferenceGradient(at: input) {
            innerProduct(PlainBatchNormalization($0, weight: weight, bias: bias).output, gradient)
        }
        #expect(relativeError(result.input, byInput) < Self.tolerance)
        let byWeight = finiteDifferenceGradient(at: weight) {
            innerProduct(PlainBatchNormalization(input, weight: $0, bias: bias).output, gradient)
        }
        #expect(relativeError(result.weight, byWeight) < Self.tolerance)
        let byBias = finiteDifferenceGradient(at: bias) {
            innerProduct(PlainBatchNormalization(input, weight: weight, bias: $0).output, gradient)
        }
        #expect(relativeError(result.bias, byBias) < Self.tolerance)
    }

    @Test func batchNormalizationNormalises() {
        let ones = [Double](repeating: 1, count: 2)
        let result = PlainBatchNormalization(
            [1, 10, 2, 20, 6, 60], weight: ones, bias: [0, 0], epsilon: 0)
        #expect(result.mean == [3, 30])
        #expect(relativeError(result.variance, [14.0 / 3, 1400.0 / 3]) < 1e-14)
        #expect(relativeError(result.unbiasedVariance, [7, 700]) < 1e-14)
        let again = PlainBatchNormalization(result.output, weight: ones, bias: [0, 0], epsilon: 0)
        #expect(relativeError(again.variance, ones) < 1e-14)
    }

    @Test func reluAndPool() {
        let input = testValues(count: 2 * 4 * 3, stream: 1).doubles
        let gradient = testValues(count: 2 * 3, stream: 2).doubles
        func forward(_ input: [Double]) -> Double {
            let pooled = plainGlobalAveragePool(plainReLU(input), channels: 3, positions: 4)
            return innerProduct(pooled, gradient)
        }
        let spread = plainGlobalAveragePoolGradient(gradient, channels: 3, positions: 4)
        let differences = finiteDifferenceGradient(at: input, of: forward)
        #expect(relativeError(plainReLUGradient(spread, input: input), differences) < Self.tolerance)
        #expect(plainReLUGradient([1, 1, 1], input: [-1, 0, 1]) == [0, 0, 1])
    }

    @Test func linearLayer() {
        let input = testValues(count: 3 * 5, stream: 1).doubles
        let weights = testValues(count: 4 * 5, stream: 2).doubles
        let bias = testValues(count: 4, stream: 3).doubles
        let gradient = testValues(count: 3 * 4, stream: 4).doubles
        let result = plainLinearGradient(gradient, input: input, weights: weights, classes: 4)
        let byInput = finiteDifferenceGradient(at: input) {
            innerProduct(plainLinear($0, weights: weights, bias: bias), gradient)
        }
        #expect(relativeError(result.input, byInput) < Self.tolerance)
        let byWeights = finiteDifferenceGradient(at: weights) {
            innerProduct(plainLinear(input, weights: $0, bias: bias), gradient)
        }
        #expect(relativeError(result.weights, byWeights) < Self.tolerance)
        let byBias = finiteDifferenceGradient(at: bias) {
            innerProduct(plainLinear(input, weights: weights, bias: $0), gradient)
        }
        #expect(relativeError(result.bias, byBias) < Self.tolerance)
    }

    @Test func crossEntropy() {
        let logits = testValues(count: 3 * 4, stream: 1, scale: 3).doubles
        let labels = testLabels(count: 3, classes: 4, stream: 2)
        let differences = finiteDifferenceGradient(at: logits) {
            plainCrossEntropy($0, labels: labels, classes: 4)
        }
        let gradient = plainCrossEntropyGradient(logits, labels: labels, classes: 4)
        #expect(relativeError(gradient, differences) < Self.tolerance)
    }

    @Test(arguments: [0.05, 0.1, 1.0])
    func featureNormalization(temperature: Double) {
        let features = testValues(count: 3 * 5, stream: 1, offset: 1).doubles
        let gradient = testValues(count: 3 * 5, stream: 2).doubles
        let differences = finiteDifferenceGradient(at: features) {
            innerProduct(
                plainFeatureNormalization($0, dimension: 5, temperature: temperature), gradient)
        }
        let result = plainFeatureNormalizationGradient(
            gradient, features: features, dimension: 5, temperature: temperature)
        #expect(relativeError(result, differences) < Self.tolerance)
    }

    /// Below a norm of 1e-12 the divisor is a constant; the finite-difference steps stay below it,
    /// too.
    @Test func featureNormalizationWhereTheNormIsClamped() {
        let features = [1e-13, 2e-13, -1e-13]
        let gradient = [1.0, -2, 0.5]
        let differences = finiteDifferenceGradient(at: features, step: 1e-14) {
            innerProduct(plainFeatureNormalization($0, dimension: 3, temperature: 0.1), gradient)
        }
        let result = plainFeatureNormalizationGradient(
            gradient, features: features, dimension: 3, temperature: 0.1)
        #expect(relativeError(result, differences) < Self.tolerance)
    }

    /// Two steps calculated by hand: w = 1, g = 0.5 then 0.25, rate 0.1, momentum 0.5, decay 0.
    @Test func nesterovMomentum() {
        var weights = [1.0]
        var velocity: [Double] = []
        plainMomentumStep(
            &weights, gradient: [0.5], velocity: &velocity, rate: 0.1, momentum: 0.5, weightDecay: 0)
        #expect(abs(weights[0] - (1 - 0.1 * 0.75)) < 1e-15)
        plainMomentumStep(
            &weights, gradient: [0.25], velocity: &velocity, rate: 0.1, momentum: 0.5, weightDecay: 0)
        #expect(abs(weights[0] - (0.925 - 0.1 * (0.25 + 0.5 * 0.5))) < 1e-15)
    }

    /// The values of the recipe: base rate 0.1 over 39,100 steps.
    @Test(arguments: [(0, 0.1), (9775, 0.0853554855), (19550, 0.0500005), (29325, 0.0146455145)])
    func cosineSchedule(step: Int, rate: Double) {
        #expect(abs(plainCosineRate(step: step, totalSteps: 39_100, rate: 0.1) - rate) < 1e-10)
    }
}
