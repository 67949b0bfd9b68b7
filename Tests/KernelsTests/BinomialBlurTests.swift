import Kernels
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct BinomialBlurTests {
    /// Sums over nine neighbours, in double precision.
    private func plainBlur(_ input: [Float], samples: Int, height: Int, width: Int, channels: Int) -> [Double]
    {
        let weights = [1.0, 2, 1]
        var output = [Double](repeating: 0, count: input.count)
        for n in 0..<samples {
            for y in 0..<height {
                for x in 0..<width {
                    for c in 0..<channels {
                        var sum = 0.0
                        for dy in -1...1 where (0..<height).contains(y + dy) {
                            for dx in -1...1 where (0..<width).contains(x + dx) {
                                let place = ((n * height + y + dy) * width + x + dx) * channels + c
                                sum += weights[dy + 1] * weights[dx + 1] * Double(input[place])
                            }
                        }
                        output[((n * height + y) * width + x) * channels + c] = sum / 16
                    }
                }
            }
        }
        return output
    }

    private func blurred(_ input: [Float], height: Int, width: Int, channels: Int, threads: Int) -> [Float] {
        overwritten(input.count) {
            blur(
                input.span, height: height, width: width, channels: channels, into: &$0,
                on: WorkerPool(threads: threads))
        }
    }

    @Test(arguments: [(1, 1), (1, 5), (2, 2), (7, 3), (5, 8)], [16, 48])
    func everyPixelIsTheWeightedMeanOfItsNeighbours(size: (Int, Int), channels: Int) {
        let (height, width) = size
        let input = testValues(count: 3 * height * width * channels, stream: 1)
        let expected = plainBlur(input, samples: 3, height: height, width: width, channels: channels)
        let found = blurred(input, height: height, width: width, channels: channels, threads: 1)
        #expect(relativeError(found, expected) < 1e-6)
        let shared = blurred(input, height: height, width: width, channels: channels, threads: 3)
        #expect(firstDifferentBits(shared, found) == nil)
    }

    /// ⟨blur(x), y⟩ = ⟨x, blur(y)⟩, so the filter computes its own gradient.
    @Test func itIsItsOwnAdjoint() {
        let (x, y) = (
            testValues(count: 2 * 6 * 5 * 16, stream: 2), testValues(count: 2 * 6 * 5 * 16, stream: 3)
        )
        let blurredX = blurred(x, height: 6, width: 5, channels: 16, threads: 1)
        let blurredY = blurred(y, height: 6, width: 5, channels: 16, threads: 1)
        let (left, right) = (
            innerProduct(blurredX.doubles, y.doubles), innerProduct(x.doubles, blurredY.doubles)
        )
        #expect(abs(left - right) < 1e-5 * abs(left))
    }
}
