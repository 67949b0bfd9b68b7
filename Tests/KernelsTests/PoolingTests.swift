import Kernels
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct PoolingTests {
    @Test(arguments: [1, 3, 17, 64], [1, 9, 16])
    func meansAndGradientsMatchThePlainTwin(channels: Int, positions: Int) {
        let pool = WorkerPool(threads: 2)
        let input = testValues(count: 5 * positions * channels, stream: 1)
        let output = overwritten(5 * channels) {
            globalAveragePool(input.span, channels: channels, positions: positions, into: &$0, on: pool)
        }
        let expected = plainGlobalAveragePool(input.doubles, channels: channels, positions: positions)
        #expect(relativeError(output, expected) < 1e-6)

        let gradient = testValues(count: 5 * channels, stream: 2)
        let inputGradient = overwritten(input.count) {
            globalAveragePoolGradient(
                gradient.span, channels: channels, positions: positions, into: &$0, on: pool)
        }
        let expectedGradient = plainGlobalAveragePoolGradient(
            gradient.doubles, channels: channels, positions: positions)
        #expect(relativeError(inputGradient, expectedGradient) < 1e-6)
    }
}
