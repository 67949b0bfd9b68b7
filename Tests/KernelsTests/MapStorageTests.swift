import Kernels
import TestSupport
import Testing
import Workers

/// Maps that are stored in 16 bits.
@Suite(.timeLimit(.minutes(30)))
struct MapStorageTests {
    @Test func elementsAreRoundedToTheNearestTiesToEven() {
        let (one, step) = (Float(1), Float(0x1p-7))
        // Halfway between two values the one with an even last bit is taken.
        let known: [(Float, Float)] = [
            (one, one), (one + step / 2, one), (one + step / 2 + 0x1p-23, one + step),
            (one + 1.5 * step, one + 2 * step), (-(one + 1.5 * step), -(one + 2 * step)),
            (0, 0), (-0.0, -0.0), (.infinity, .infinity), (-.infinity, -.infinity),
            (.greatestFiniteMagnitude, .infinity), (0x1.fep127, 0x1.fep127),
            (.leastNonzeroMagnitude, 0), (0x1p-133, 0x1p-133), (0x1.8p-134, 0x1p-133), (.nan, .nan),
            (Float(bitPattern: 0x7fff_ffff), .nan),
        ]
        let rounded = unpacked(packed(known.map(\.0)))
        for (found, (value, expected)) in zip(rounded, known) {
            #expect(
                found.bitPattern == expected.bitPattern || (found.isNaN && expected.isNaN),
                "\(value): \(found), expected \(expected)")
        }
    }

    @Test func noNeighbourIsNearer() {
        let values = testValues(count: 16_000, stream: 1).enumerated().map {
            $1 * Float(sign: .plus, exponent: $0 % 200 - 100, significand: 1)
        }
        for (value, found) in zip(values, unpacked(packed(values))) {
            #expect(found.bitPattern & 0xffff == 0)
            let below = Float(bitPattern: found.bitPattern - 0x1_0000)
            let above = Float(bitPattern: found.bitPattern + 0x1_0000)
            let error = abs(Double(value) - Double(found))
            #expect(error <= abs(Double(value) - Double(below)))
            #expect(error <= abs(Double(value) - Double(above)))
        }
    }

    static let shapes: [(ConvolutionShape, ConvolutionAlgorithm)] = [
        ConvolutionShape(height: 9, width: 7, channels: 32, outputChannels: 48, kernel: 3, padding: 1),
        ConvolutionShape(
            height: 9, width: 8, channels: 16, outputChannels: 32, kernel: 3, stride: 2, padding: 1),
        ConvolutionShape(height: 5, width: 6, channels: 48, outputChannels: 16, kernel: 1),
        ConvolutionShape(height: 6, width: 6, channels: 16, outputChannels: 32, kernel: 1, stride: 2),
    ].flatMap { shape in
        (Convolution.algorithms(for: shape) + Convolution.mixedAlgorithms(for: shape)).map { (shape, $0) }
    }

    /// A pass over maps in 16 bits computes what it computes from the same values in 32 bits, sums
    /// the results before they are rounded, and stores them rounded.
    @Test(arguments: shapes)
    func aForwardPassRoundsItsResultsAlone(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        let example = Example(shape, algorithm)
        let input = packed(example.input)
        let addend = packed(example.output)
        let found = example.forward(
            MapSpan(input.span, .bfloat16), adding: MapSpan(addend.span, .bfloat16), storing: .bfloat16)
        let expected = example.forward(
            MapSpan(unpacked(input).span), adding: MapSpan(unpacked(addend).span), storing: .float32)
        #expect(firstDifferentBits(found.output, packed(expected.output)) == nil)
        #expect(found.sums == expected.sums)
    }

    @Test(arguments: shapes)
    func aBackwardPassRoundsItsResultsAlone(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        let example = Example(shape, algorithm)
        let (input, output, gradient) = (
            packed(example.input), packed(example.output), packed(example.gradient)
        )
        for masksByReLU in [false, true] {
            let found = example.gradients(
                input: MapSpan(input.span, .bfloat16), output: MapSpan(output.span, .bfloat16),
                gradient: MapSpan(gradient.span, .bfloat16), masksByReLU: masksByReLU, storing: .bfloat16)
            let expected = example.gradients(
                input: MapSpan(unpacked(input).span), output: MapSpan(unpacked(output).span),
                gradient: MapSpan(unpacked(gradient).span), masksByReLU: masksByReLU, storing: .float32)
            #expect(firstDifferentBits(found.input, packed(expected.input)) == nil)
            #expect(firstDifferentBits(found.weights, expected.weights) == nil)
            #expect(found.sums == expected.sums)
        }
    }

    @Test func sumsAndMasksRoundTheirResultsAlone() {
        let shape = MapShape(sampleCount: 3, channels: 48, positions: 5)
        let (first, second) = (
            packed(testValues(count: shape.count, stream: 1)),
            packed(testValues(count: shape.count, stream: 2))
        )
        let coefficients = testValues(count: 2 * 48, stream: 3)
        func sum(_ first: MapSpan, _ second: MapSpan, storing storage: MapStorage) -> [Float] {
            overwritten(storage.floatCount(shape.count)) {
                combine(
                    Prologue(
                        normalized: first, coefficients: coefficients.span, groups: .one, appliesReLU: false),
                    adding: Prologue(second), appliesReLU: true, shape, into: &$0, storing: storage,
                    on: WorkerPool(threads: 2))
            }
        }
        let (wideFirst, wideSecond) = (unpacked(first), unpacked(second))
        let sums = sum(MapSpan(wideFirst.span), MapSpan(wideSecond.span), storing: .float32)
        #expect(
            firstDifferentBits(
                sum(MapSpan(first.span, .bfloat16), MapSpan(second.span, .bfloat16), storing: .bfloat16),
                packed(sums)) == nil)

        func masked(_ gradient: [Float], by normalized: MapSpan, _ storage: MapStorage) -> ([Float], [Double])
        {
            var gradient = gradient
            var span = gradient.mutableSpan
            let sums = overwrittenDoubles(3 * 2 * 48) {
                maskGradient(
                    &span,
                    epilogue: Epilogue(
                        maskingBy: normalized, coefficients: coefficients.span, groups: .one
                    ).storing(as: storage), shape, sums: &$0, on: WorkerPool(threads: 2))
            }
            return (gradient, sums)
        }
        let found = masked(first, by: MapSpan(second.span, .bfloat16), .bfloat16)
        let expected = masked(wideFirst, by: MapSpan(wideSecond.span), .float32)
        #expect(firstDifferentBits(found.0, packed(expected.0)) == nil)
        #expect(found.1 == expected.1)
    }

    /// Values of a layer's maps, and its passes over them.
    private struct Example {
        let shape: ConvolutionShape
        let convolution: Convolution
        let input: [Float]
        let output: [Float]
        let gradient: [Float]
        let weights: [Float]
        let coefficients: [Float]
        static var samples: Int { 3 }

        init(_ shape: ConvolutionShape, _ algorithm: ConvolutionAlgorithm) {
            self.shape = shape
            convolution = Convolution(shape, algorithm: algorithm)
            input = testValues(count: Self.samples * shape.inputCount, stream: 1)
            output = testValues(count: Self.samples * shape.outputCount, stream: 2)
            gradient = testValues(count: Self.samples * shape.outputCount, stream: 3)
            weights = testValues(count: shape.weightCount, stream: 4)
            coefficients = testValues(count: 3 * max(shape.channels, shape.outputChannels), stream: 5)
        }

        func forward(
            _ input: MapSpan, adding addend: MapSpan, storing storage: MapStorage
        ) -> (output: [Float], sums: [Double]) {
            var panels = [Float](repeating: .nan, count: convolution.panelCount)
            var sums = [Double](repeating: .nan, count: Self.samples * 2 * shape.outputChannels)
            var panelSpan = panels.mutableSpan
            var sumSpan = sums.mutableSpan
            let output = overwritten(storage.floatCount(Self.samples * shape.outputCount)) {
                convolution.forward(
                    Prologue(
                        normalized: input, coefficients: coefficients.span, groups: .one, appliesReLU: true),
                    weights: weights.span, sampleCount: Self.samples, microbatchSize: 2,
                    epilogue: .moments(adding: addend).storing(as: storage), panels: &panelSpan, into: &$0,
                    sums: &sumSpan, on: WorkerPool(threads: 2))
            }
            return (output, sums)
        }

        func gradients(
            input: MapSpan, output: MapSpan, gradient: MapSpan, masksByReLU: Bool, storing storage: MapStorage
        ) -> (input: [Float], weights: [Float], sums: [Double]) {
            var panels = [Float](repeating: .nan, count: convolution.panelCount)
            var sums = [Double](repeating: .nan, count: Self.samples * 2 * shape.channels)
            var parts = [Float](
                repeating: .nan,
                count: 2 * convolution.gradientParts(microbatchSize: 2) * shape.weightCount)
            var panelSpan = panels.mutableSpan
            var sumSpan = sums.mutableSpan
            var partSpan = parts.mutableSpan
            let epilogue =
                masksByReLU
                ? Epilogue(maskingByReLU: input, normalized: input)
                : Epilogue(maskingBy: input, coefficients: coefficients.span, groups: .one, adding: input)
            let result = overwritten(storage.floatCount(Self.samples * shape.inputCount)) {
                convolution.gradients(
                    Prologue(input),
                    outputGradient: Prologue(
                        gradient: gradient, ofNormalized: output, coefficients: coefficients.span,
                        groups: .one),
                    weights: weights.span, sampleCount: Self.samples, microbatchSize: 2,
                    epilogue: epilogue.storing(as: storage), panels: &panelSpan, intoWeights: &partSpan,
                    intoInput: &$0, sums: &sumSpan, on: WorkerPool(threads: 2))
            }
            return (result, parts, sums)
        }
    }

    /// `values`, a multiple of 16, in 16 bits.
    private func packed(_ values: [Float]) -> [Float] {
        let shape = MapShape(sampleCount: 1, channels: 16, positions: values.count / 16)
        return overwritten(MapStorage.bfloat16.floatCount(values.count)) {
            store(
                Prologue(values.span), shape, into: &$0, storing: .bfloat16, on: WorkerPool(threads: 1))
        }
    }

    private func unpacked(_ floats: [Float]) -> [Float] {
        let shape = MapShape(sampleCount: 1, channels: 16, positions: floats.count / 8)
        return overwritten(2 * floats.count) {
            store(
                Prologue(MapSpan(floats.span, .bfloat16)), shape, into: &$0, on: WorkerPool(threads: 1))
        }
    }
}
