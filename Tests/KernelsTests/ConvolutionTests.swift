import Kernels
import TestSupport
import Testing
import Workers

/// Heights 1 to 17, widths 17 to 1, and the other sizes in turn; only kernels that fit into the
/// image.
private let shapes: [ConvolutionShape] = (0..<68).compactMap { i in
    let channels = [1, 3, 16, 17, 64]
    let (height, turn) = (i % 17 + 1, i / 17)
    let padding = (i + turn) % 4
    let kernel = [3, 1, 5, 7][(turn + height / 4) % 4]
    guard min(height, 18 - height) + 2 * padding >= kernel else { return nil }
    return ConvolutionShape(
        height: height, width: 18 - height, channels: channels[(i + turn) % 5],
        outputChannels: channels[(2 * i + turn) % 5], kernel: kernel, stride: 1 + (i + turn) % 2,
        padding: padding)
}

/// Three samples in microbatches of two: the last microbatch is short.
private let sampleCount = 3
private let microbatchSize = 2

/// The error of single-precision sums of up to 7·7·64 products in any order is below this; that of
/// Winograd transforms is a little larger.
private func tolerance(_ algorithm: ConvolutionAlgorithm) -> Double {
    switch algorithm {
    case .tiled, .library: 2e-6
    case .winograd: 4e-6
    case .winogradInt14: 2e-3
    case .tiledInt14: 3e-4
    }
}

/// Every shape with every algorithm that can compute it.
private let cases: [Case] =
    pointwise
    + (shapes + winogradShapes + manyTiles + oddWidths).flatMap { shape in
        (Convolution.algorithms(for: shape) + Convolution.mixedAlgorithms(for: shape)).map {
            Case(shape: shape, algorithm: $0)
        }
    }

private let wholeVectors = cases.filter { $0.shape.channels.isMultiple(of: 16) }

/// Heights 1 to 17 again, once with stride 1 and twice with stride 2, for shapes that Winograd
/// supports: 3×3 kernels and channel counts that are multiples of 16.
private let winogradShapes: [ConvolutionShape] = (0..<51).map { j in
    let (i, turn) = (j % 17, j / 17)
    return ConvolutionShape(
        height: i + 1, width: 17 - i, channels: [16, 64][i % 2], outputChannels: [64, 16, 48][i % 3],
        kernel: 3, stride: [1, 2, 2][turn],
        padding: min(i, 16 - i) < 2 ? [1, 1, 2][turn] : [1, 0, 2][(i + turn) % 3])
}

/// Images with more tiles than a strip or a chunk of a weight gradient.
private let manyTiles = [1, 2].map {
    ConvolutionShape(
        height: 33 * $0, width: 34 * $0, channels: 16, outputChannels: 32, kernel: 3, stride: $0, padding: 1)
}

/// Channel counts whose blocks of a weight gradient are no power of two.
private let oddWidths = [1, 2].flatMap { stride in
    [(112, 80), (96, 160), (160, 112)].map { channels, outputs in
        ConvolutionShape(
            height: 5, width: 6, channels: channels, outputChannels: outputs, kernel: 3, stride: stride,
            padding: 1)
    }
}

/// Images with more and with fewer positions than a strip, and more channels than a block on either
/// side.
private let pointwise: [Case] = [
    (17, 13, 64, 48), (7, 7, 528, 32), (3, 5, 32, 1040), (11, 11, 544, 528),
].flatMap { height, width, channels, outputs in
    [ConvolutionAlgorithm.tiled, .tiledInt14].map {
        Case(
            shape: ConvolutionShape(
                height: height, width: width, channels: channels, outputChannels: outputs, kernel: 1),
            algorithm: $0)
    }
}

struct Case: Sendable, CustomTestStringConvertible {
    let shape: ConvolutionShape
    let algorithm: ConvolutionAlgorithm

    var testDescription: String { "\(algorithm) \(shape)" }
}

@Suite(.slow, .timeLimit(.minutes(30)))
struct ConvolutionTests {
    @Test func everySizeOccursAmongTheShapes() {
        #expect(shapes.count >= 40)
        #expect(Set(shapes.map(\.height)) == Set(1...17))
        #expect(Set(shapes.map(\.kernel)) == [1, 3, 5, 7])
        #expect(Set(shapes.map(\.padding)) == [0, 1, 2, 3])
        #expect(Set(shapes.map(\.stride)) == [1, 2])
        #expect(Set(shapes.map(\.channels)) == [1, 3, 16, 17, 64])
        #expect(Set(shapes.map(\.outputChannels)) == [1, 3, 16, 17, 64])
        #expect(shapes.contains { $0.isPointwise })
        for stride in 1...2 {
            let transformed = cases.filter { $0.algorithm == .winograd && $0.shape.stride == stride }
            #expect(Set(1...17).isSubset(of: transformed.map(\.shape.height)))
            #expect(Set(transformed.map(\.shape.padding)) == [0, 1, 2])
        }
    }

    @Test(arguments: cases)
    func forwardMatchesThePlainTwin(_ own: Case) {
        let tensors = Tensors(own)
        let expected = plainConvolution(
            tensors.input.doubles, weights: tensors.weights.doubles, own.shape)
        #expect(relativeError(tensors.forward(threads: 1), expected) < tolerance(own.algorithm))
    }

    @Test(arguments: cases)
    func inputGradientMatchesThePlainTwin(_ own: Case) {
        let tensors = Tensors(own)
        let expected = plainConvolutionInputGradient(
            tensors.outputGradient.doubles, weights: tensors.weights.doubles, own.shape)
        #expect(relativeError(tensors.inputGradient(threads: 1), expected) < tolerance(own.algorithm))
    }

    @Test(arguments: cases)
    func weightGradientMatchesThePlainTwinMicrobatchByMicrobatch(_ own: Case) {
        let tensors = Tensors(own)
        let shape = own.shape
        let microbatches = tensors.weightGradient(threads: 1).doubles
        for (microbatch, range) in [0..<2, 2..<3].enumerated() {
            let expected = plainConvolutionWeightGradient(
                tensors.input(of: range).doubles,
                outputGradient: tensors.outputGradient(of: range).doubles, shape)
            let gradient = Array(
                microbatches[microbatch * shape.weightCount..<(microbatch + 1) * shape.weightCount])
            #expect(relativeError(gradient, expected) < tolerance(own.algorithm))
        }
    }

    @Test(arguments: zip(cases, cases.indices.map { 2 + $0 % 2 }))
    func threadCountsGiveTheSameBits(own: Case, threads: Int) {
        let tensors = Tensors(own)
        #expect(firstDifferentBits(tensors.forward(threads: threads), tensors.forward(threads: 1)) == nil)
        #expect(
            firstDifferentBits(tensors.inputGradient(threads: threads), tensors.inputGradient(threads: 1))
                == nil)
        #expect(
            firstDifferentBits(tensors.weightGradient(threads: threads), tensors.weightGradient(threads: 1))
                == nil)
    }

    @Test(arguments: zip(wholeVectors, wholeVectors.indices.map { [1, 2, 5][$0 % 3] }))
    func bothGradientsAtOnceHaveTheBitsOfOneAfterTheOther(own: Case, threads: Int) {
        let tensors = Tensors(own)
        let (together, apart) = (tensors.gradients(threads: threads), tensors.separateGradients(threads: 1))
        #expect(firstDifferentBits(together.weights, apart.weights) == nil)
        #expect(firstDifferentBits(together.input, apart.input) == nil)
        #expect(together.sums == apart.sums)
    }

    @Test(arguments: cases)
    func aMicrobatchHasTheSameBitsWhateverOtherMicrobatchesStandBeforeIt(_ own: Case) {
        let shape = own.shape
        let whole = Tensors(own)
        let last = whole.samples(from: microbatchSize)
        #expect(
            firstDifferentBits(whole.forward(threads: 1).suffix(shape.outputCount), last.forward(threads: 1))
                == nil)
        #expect(
            firstDifferentBits(
                whole.inputGradient(threads: 1).suffix(shape.inputCount), last.inputGradient(threads: 1))
                == nil)
        #expect(
            firstDifferentBits(
                whole.weightGradient(threads: 1).suffix(shape.weightCount), last.weightGradient(threads: 1))
                == nil)
    }
}

/// One convolution's tensors and the kernels' results.
private struct Tensors {
    let shape: ConvolutionShape
    let algorithm: ConvolutionAlgorithm
    var input: [Float]
    let weights: [Float]
    var outputGradient: [Float]

    init(_ own: Case) {
        shape = own.shape
        algorithm = own.algorithm
        input = testValues(count: sampleCount * shape.inputCount, stream: 1)
        weights = testValues(count: shape.weightCount, stream: 2)
        outputGradient = testValues(count: sampleCount * shape.outputCount, stream: 3)
    }

    func input(of range: Range<Int>) -> [Float] {
        Array(input[range.lowerBound * shape.inputCount..<range.upperBound * shape.inputCount])
    }

    func outputGradient(of range: Range<Int>) -> [Float] {
        Array(outputGradient[range.lowerBound * shape.outputCount..<range.upperBound * shape.outputCount])
    }

    /// The tensors without the samples before `first`.
    func samples(from first: Int) -> Tensors {
        var rest = self
        rest.input = input(of: first..<sampleCount)
        rest.outputGradient = outputGradient(of: first..<sampleCount)
        return rest
    }

    private var count: Int { input.count / shape.inputCount }
    private var convolution: Convolution { Convolution(shape, algorithm: algorithm) }

    func forward(threads: Int) -> [Float] {
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var panelSpan = panels.mutableSpan
        var sums = MutableSpan<Double>()
        return overwritten(count * shape.outputCount) {
            convolution.forward(
                Prologue(input.span), weights: weights.span, sampleCount: count,
                microbatchSize: microbatchSize,
                epilogue: Epilogue(), panels: &panelSpan, into: &$0, sums: &sums,
                on: WorkerPool(threads: threads))
        }
    }

    func inputGradient(threads: Int) -> [Float] {
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var panelSpan = panels.mutableSpan
        var sums = MutableSpan<Double>()
        return overwritten(count * shape.inputCount) {
            convolution.inputGradient(
                Prologue(outputGradient.span), weights: weights.span, sampleCount: count,
                microbatchSize: microbatchSize,
                epilogue: Epilogue(), panels: &panelSpan, into: &$0, sums: &sums,
                on: WorkerPool(threads: threads))
        }
    }

    func weightGradient(threads: Int) -> [Float] {
        let pool = WorkerPool(threads: threads)
        let parts = overwritten(
            microbatches * convolution.gradientParts(microbatchSize: microbatchSize) * shape.weightCount
        ) {
            convolution.weightGradient(
                Prologue(input.span), outputGradient: Prologue(outputGradient.span), sampleCount: count,
                microbatchSize: microbatchSize, into: &$0, on: pool)
        }
        return sumOfParts(parts)
    }

    private var microbatches: Int { (count + microbatchSize - 1) / microbatchSize }

    private func sumOfParts(_ all: [Float]) -> [Float] {
        let parts = convolution.gradientParts(microbatchSize: microbatchSize)
        return (0..<microbatches).flatMap { microbatch in
            overwritten(shape.weightCount) {
                sumMicrobatches(
                    all.span.extracting(
                        microbatch * parts * shape.weightCount..<(microbatch + 1) * parts * shape.weightCount),
                    microbatchCount: 1, parts: parts, into: &$0, on: WorkerPool(threads: 1))
            }
        }
    }

    /// Both gradients by one call, and the sums of the input gradient.
    func gradients(threads: Int) -> (weights: [Float], input: [Float], sums: [UInt64]) {
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var panelSpan = panels.mutableSpan
        var (epilogueSums, inputGradient) = room()
        var sums = epilogueSums.mutableSpan
        let parts = overwritten(
            microbatches * convolution.gradientParts(microbatchSize: microbatchSize) * shape.weightCount
        ) {
            var input = inputGradient.mutableSpan
            convolution.gradients(
                Prologue(self.input.span), outputGradient: Prologue(outputGradient.span),
                weights: weights.span, sampleCount: count, microbatchSize: microbatchSize,
                epilogue: .moments(),
                panels: &panelSpan, intoWeights: &$0, intoInput: &input, sums: &sums,
                on: WorkerPool(threads: threads))
        }
        return (sumOfParts(parts), inputGradient, epilogueSums.map(\.bitPattern))
    }

    /// Same as `gradients`, by two calls.
    func separateGradients(threads: Int) -> (weights: [Float], input: [Float], sums: [UInt64]) {
        var panels = [Float](repeating: .nan, count: convolution.panelCount)
        var panelSpan = panels.mutableSpan
        var (epilogueSums, inputGradient) = room()
        var sums = epilogueSums.mutableSpan
        var input = inputGradient.mutableSpan
        convolution.inputGradient(
            Prologue(outputGradient.span), weights: weights.span, sampleCount: count,
            microbatchSize: microbatchSize,
            epilogue: .moments(), panels: &panelSpan, into: &input, sums: &sums,
            on: WorkerPool(threads: threads))
        return (weightGradient(threads: threads), inputGradient, epilogueSums.map(\.bitPattern))
    }

    private func room() -> (sums: [Double], inputGradient: [Float]) {
        (
            [Double](repeating: .nan, count: count * 2 * shape.channels),
            [Float](repeating: .nan, count: count * shape.inputCount)
        )
    }

}
