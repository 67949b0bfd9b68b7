import Kernels
import Memory
import TestSupport
import Testing
import Workers

/// Batches of so few images that threads share their output channels.
@Suite(.slow, .timeLimit(.minutes(30)))
struct FewImagesTests {
    static let cases: [(ConvolutionShape, ConvolutionAlgorithm)] = [
        // One tile an image, and panels of sixteen outputs that fit into the cache.
        ConvolutionShape(height: 4, width: 4, channels: 512, outputChannels: 192, kernel: 3, padding: 1),
        ConvolutionShape(height: 7, width: 5, channels: 144, outputChannels: 272, kernel: 3, padding: 1),
        ConvolutionShape(
            height: 8, width: 8, channels: 32, outputChannels: 208, kernel: 3, stride: 2, padding: 1),
        ConvolutionShape(height: 4, width: 4, channels: 192, outputChannels: 336, kernel: 1),
        ConvolutionShape(height: 8, width: 8, channels: 144, outputChannels: 160, kernel: 1, stride: 2),
    ].flatMap { shape in
        (Convolution.algorithms(for: shape) + Convolution.mixedAlgorithms(for: shape))
            .filter { $0 != .library }.map { (shape, $0) }
    }

    /// The first images of a large batch, on one thread, have the bits of a batch of these alone,
    /// on any number of threads.
    @Test(arguments: cases)
    func fewImagesHaveTheBitsOfMany(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        let few = 3
        let convolution = Convolution(shape, algorithm: algorithm)
        let input = testValues(count: 64 * shape.inputCount, stream: 1)
        let gradient = testValues(count: 64 * shape.outputCount, stream: 2)
        let weights = testValues(count: shape.weightCount, stream: 3)

        func forward(_ count: Int, threads: Int) -> (values: [Float], sums: [Double]) {
            pass(convolution, count, outputs: shape.outputCount, channels: shape.outputChannels) {
                convolution.forward(
                    Prologue(input.span), weights: weights.span, sampleCount: count, microbatchSize: 32,
                    epilogue: .moments(), panels: &$0, into: &$1, sums: &$2,
                    on: WorkerPool(threads: threads))
            }
        }
        func inputGradient(_ count: Int, threads: Int) -> (values: [Float], sums: [Double]) {
            pass(convolution, count, outputs: shape.inputCount, channels: shape.channels) {
                convolution.inputGradient(
                    Prologue(gradient.span), weights: weights.span, sampleCount: count,
                    microbatchSize: 32, epilogue: .moments(), panels: &$0, into: &$1, sums: &$2,
                    on: WorkerPool(threads: threads))
            }
        }
        for compute in [forward, inputGradient] {
            let many = compute(64, 1)
            for threads in [1, 2, 3, 4, 7, 32] {
                let own = compute(few, threads)
                #expect(firstDifferentBits(own.values, Array(many.values.prefix(own.values.count))) == nil)
                #expect(own.sums == Array(many.sums.prefix(own.sums.count)))
            }
        }
    }

    private func pass(
        _ convolution: Convolution, _ count: Int, outputs: Int, channels: Int,
        _ body: (inout MutableSpan<Float>, inout MutableSpan<Float>, inout MutableSpan<Double>) -> Void
    ) -> (values: [Float], sums: [Double]) {
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var sums = [Double](repeating: .nan, count: count * 2 * channels)
        var panelSpan = panels.mutableSpan
        var sumSpan = sums.mutableSpan
        let values = overwritten(count * outputs) { body(&panelSpan, &$0, &sumSpan) }
        return (values, sums)
    }
}
