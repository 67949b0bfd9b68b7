import Kernels
import TestSupport
import Testing
import Workers

/// Heights 1 to 17, widths 17 to 1, and the other sizes in turn; only kernels that fit.
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

/// Three samples in lanes of two: the last lane is short.
private let sampleCount = 3
private let laneSize = 2

/// Single-precision sums of up to 7·7·64 products in any order stay below this.
private let tolerance = 2e-6

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
    }

    @Test(arguments: shapes)
    func forwardMatchesThePlainTwin(shape: ConvolutionShape) {
        let tensors = Tensors(shape)
        let expected = plainConvolution(tensors.input.doubles, weights: tensors.weights.doubles, shape)
        #expect(relativeError(tensors.forward(threads: 1), expected) < tolerance)
    }

    @Test(arguments: shapes)
    func inputGradientMatchesThePlainTwin(shape: ConvolutionShape) {
        let tensors = Tensors(shape)
        let expected = plainConvolutionInputGradient(
            tensors.outputGradient.doubles, weights: tensors.weights.doubles, shape)
        #expect(relativeError(tensors.inputGradient(threads: 1), expected) < tolerance)
    }

    @Test(arguments: shapes)
    func weightGradientMatchesThePlainTwinLaneByLane(shape: ConvolutionShape) {
        let tensors = Tensors(shape)
        let lanes = tensors.weightGradient(threads: 1).doubles
        for (lane, range) in [0..<2, 2..<3].enumerated() {
            let expected = plainConvolutionWeightGradient(
                tensors.input(of: range).doubles,
                outputGradient: tensors.outputGradient(of: range).doubles, shape)
            let own = Array(lanes[lane * shape.weightCount..<(lane + 1) * shape.weightCount])
            #expect(relativeError(own, expected) < tolerance)
        }
    }

    @Test(arguments: [2, 3], [shapes[3], shapes[20], shapes[29], ConvolutionShape.stage])
    func threadCountsGiveTheSameBits(threads: Int, shape: ConvolutionShape) {
        let tensors = Tensors(shape)
        #expect(tensors.forward(threads: threads).bits == tensors.forward(threads: 1).bits)
        #expect(tensors.inputGradient(threads: threads).bits == tensors.inputGradient(threads: 1).bits)
        #expect(tensors.weightGradient(threads: threads).bits == tensors.weightGradient(threads: 1).bits)
    }

    @Test(arguments: [shapes[3], shapes[20], shapes[29], ConvolutionShape.stage])
    func aLaneHasTheSameBitsWhateverOtherLanesStandBeforeIt(shape: ConvolutionShape) {
        let whole = Tensors(shape)
        let last = whole.samples(from: laneSize)
        #expect(whole.forward(threads: 1).suffix(shape.outputCount).bits == last.forward(threads: 1).bits)
        #expect(
            whole.inputGradient(threads: 1).suffix(shape.inputCount).bits
                == last.inputGradient(threads: 1).bits)
        #expect(
            whole.weightGradient(threads: 1).suffix(shape.weightCount).bits
                == last.weightGradient(threads: 1).bits)
    }
}

extension ConvolutionShape {
    /// Several images go into one work item here.
    fileprivate static let stage = ConvolutionShape(
        height: 8, width: 8, channels: 16, outputChannels: 32, kernel: 3, padding: 1)
}

/// One convolution's tensors and what the kernels make of them.
private struct Tensors {
    let shape: ConvolutionShape
    var input: [Float]
    let weights: [Float]
    var outputGradient: [Float]

    init(_ shape: ConvolutionShape) {
        self.shape = shape
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

    /// Without the samples before `first`.
    func samples(from first: Int) -> Tensors {
        var rest = self
        rest.input = input(of: first..<sampleCount)
        rest.outputGradient = outputGradient(of: first..<sampleCount)
        return rest
    }

    private var count: Int { input.count / shape.inputCount }

    func forward(threads: Int) -> [Float] {
        overwritten(count * shape.outputCount) {
            convolve(
                input.span, weights: weights.span, shape, laneSize: laneSize, into: &$0,
                on: WorkerPool(threads: threads))
        }
    }

    func inputGradient(threads: Int) -> [Float] {
        overwritten(count * shape.inputCount) {
            convolutionInputGradient(
                outputGradient.span, weights: weights.span, shape, laneSize: laneSize, into: &$0,
                on: WorkerPool(threads: threads))
        }
    }

    func weightGradient(threads: Int) -> [Float] {
        let lanes = (count + laneSize - 1) / laneSize
        return overwritten(lanes * shape.weightCount) {
            convolutionWeightGradient(
                input.span, outputGradient: outputGradient.span, shape, sampleCount: count,
                laneSize: laneSize, into: &$0, on: WorkerPool(threads: threads))
        }
    }
}
