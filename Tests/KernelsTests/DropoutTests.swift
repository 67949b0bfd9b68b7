import Kernels
import Numerics
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct DropoutTests {
    private func dropped(
        _ prologue: borrowing Prologue, _ shape: MapShape, rate: Double, threads: Int = 1
    ) -> [Float] {
        let prologue = copy prologue
        return overwritten(shape.count) {
            dropElements(prologue, shape, rate: rate, into: &$0, on: WorkerPool(threads: threads)) {
                RandomStream(seed: 5, purpose: .layerDropout, 2, 10 + $0).branch(3)
            }
        }
    }

    /// Whether element `e` of sample `n` is kept, from the plain Philox: word `(e / 16) % 4` of block
    /// `16 (e / 64) + e % 16`.
    private func isKept(_ e: Int, sample n: Int, rate: Double) -> Bool {
        let block = UInt32(16 * (e / 64) + e % 16)
        let words = plainPhilox(counter: [block, 3, 2 << 4 | 11, UInt32(10 + n)], key: [5, 0])
        return Double(words[e / 16 % 4] >> 8) >= (rate * 0x1p24).rounded()
    }

    /// Samples of 3·16 to 5·80 elements, which do not all fill groups of 64.
    @Test(arguments: [(3, 16), (4, 48), (5, 80)], [0, 0.3, 0.9])
    func elementsOfLowNumbersAre0AndTheOthersScaled(size: (Int, Int), rate: Double) {
        let shape = MapShape(sampleCount: 3, channels: size.1, positions: size.0)
        let values = testValues(count: shape.count, stream: 1)
        let found = dropped(Prologue(values.span), shape, rate: rate)
        let sampleSize = shape.count / 3
        for i in values.indices {
            let isKept = isKept(i % sampleSize, sample: i / sampleSize, rate: rate)
            #expect(found[i] == (isKept ? values[i] * Float(1 / (1 - rate)) : 0))
        }
        #expect(
            firstDifferentBits(dropped(Prologue(values.span), shape, rate: rate, threads: 3), found) == nil)
    }

    @Test func aNormalisedInputIsFinishedFirst() {
        let shape = MapShape(sampleCount: 2, channels: 16, positions: 9)
        let values = testValues(count: shape.count, stream: 2)
        let coefficients = testValues(count: 32, stream: 3)
        let finished = values.indices.map {
            max(coefficients[16 + $0 % 16].addingProduct(values[$0], coefficients[$0 % 16]), 0)
        }
        let prologue = Prologue(
            normalized: MapSpan(values.span), coefficients: coefficients.span,
            groups: SampleGroups(size: 2, sampleCount: 2, firstSample: 0), appliesReLU: true)
        let found = dropped(prologue, shape, rate: 0.5)
        #expect(firstDifferentBits(found, dropped(Prologue(finished.span), shape, rate: 0.5)) == nil)
    }

    /// Five standard errors of the share.
    @Test func theShareIsTheRate() {
        let shape = MapShape(sampleCount: 4, channels: 64, positions: 400)
        let ones = [Float](repeating: 1, count: shape.count)
        let found = dropped(Prologue(ones.span), shape, rate: 0.3)
        let share = Double(found.count { $0 == 0 }) / Double(found.count)
        #expect(abs(share - 0.3) < 5 * (0.3 * 0.7 / Double(found.count)).squareRoot())
    }
}
