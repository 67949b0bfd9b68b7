public import Workers

/// How a convolution is computed.
public enum ConvolutionPath: String, CaseIterable, Codable, Sendable {
    /// 3×3 and whole vectors of channels; with stride 1 F(4×4, 3×3), a quarter of the multiplications, with stride 2 by phases
    /// with F(4, 2), 9 of 16.
    case winograd
    /// Patches gathered a few rows at a time, multiplied in register tiles. Any convolution.
    case tiled
    /// As `tiled`, with the products made by the BLAS library.
    case library
}

/// A convolution without bias in all three passes, by one path.
///
/// Inputs and gradients are read through an `Operand`, results pass through an `Epilogue`: normalisations and rectifiers
/// around a convolution take no pass over memory of their own.
///
/// With `winograd` and `tiled` every result is one fixed chain of operations, however work is cut and whatever the processor's vector width.
/// With `library` it depends on the lane size and on the loops that the library has chosen for the processor.
public struct Convolution: Sendable {
    public let shape: ConvolutionShape
    public let path: ConvolutionPath
    private let winograd: WinogradConvolution?
    private let polyphase: PolyphaseConvolution?
    private let taps: TapConvolution
    private let phases: [TapConvolution]
    private let pointwise: PointwiseGradients?

    /// - Precondition: `path` is one of `Convolution.paths(for: shape)`.
    public init(_ shape: ConvolutionShape, path: ConvolutionPath) {
        precondition(Self.paths(for: shape).contains(path), "no path \(path) for \(shape)")
        self.shape = shape
        self.path = path
        winograd = path == .winograd && shape.stride == 1 ? WinogradConvolution(shape) : nil
        polyphase = path == .winograd && shape.stride == 2 ? PolyphaseConvolution(shape) : nil
        taps = TapConvolution(shape, usesLibrary: path == .library)
        phases = TapConvolution.inputGradient(of: shape, usesLibrary: path == .library)
        pointwise =
            path == .tiled && PointwiseGradients.supports(shape) ? PointwiseGradients(shape) : nil
    }

    /// A convolution by the path that is chosen for its shape.
    public init(_ shape: ConvolutionShape, _ choices: ConvolutionChoices = .shape) {
        self.init(shape, path: choices.path(for: shape))
    }

    /// The paths that can compute a shape, the one to prefer first.
    public static func paths(for shape: ConvolutionShape) -> [ConvolutionPath] {
        WinogradConvolution.supports(shape) || PolyphaseConvolution.supports(shape)
            ? [.winograd, .tiled, .library] : [.tiled, .library]
    }

    /// Elements of the packed weights that a forward pass or one for the input's gradient needs at a time.
    public var panelCount: Int {
        if let count = winograd?.panelCount ?? polyphase?.panelCount { return count }
        return max(taps.panelCount, phases.map(\.panelCount).reduce(0, +))
    }

    /// Floats of a worker's memory that a pass needs, the largest of the three.
    public func scratchCount(sampleCount: Int, laneSize: Int, threads: Int) -> Int {
        if let winograd {
            return max(
                winograd.scratchCount, winograd.transposed.scratchCount,
                WinogradWeightGradient(winograd).scratchCount(
                    sampleCount: sampleCount, laneSize: laneSize, threads: threads))
        }
        if let polyphase {
            return max(
                polyphase.scratchCount, PolyphaseConvolution(inputGradientOf: shape).scratchCount,
                PolyphaseWeightGradient(polyphase).scratchCount(
                    sampleCount: sampleCount, laneSize: laneSize, threads: threads))
        }
        let lanes = (sampleCount + laneSize - 1) / laneSize * gradientParts(laneSize: laneSize)
        return max(
            taps.scratchCount, phases.map(\.scratchCount).max() ?? 0, pointwise?.scratchCount ?? 0,
            TapWeightGradient(shape, usesLibrary: path == .library).scratchCount(
                lanes: lanes, threads: threads))
    }

    /// Parts in which `weightGradient` leaves a lane's gradient; see `sumLanes`.
    public func gradientParts(laneSize: Int) -> Int {
        pointwise == nil ? 1 : PointwiseGradients.parts(laneSize: laneSize)
    }

    /// Overwrites `output` with the convolution (cross-correlation) of a batch.
    ///
    /// `output[n, p, q, k] = sum over r, s, c of input[n, p·stride + r − padding, q·stride + s − padding, c] ·
    /// weights[r, s, c, k]`
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - laneSize: Samples in a lane.
    ///   - panels: Room for `panelCount` elements; overwritten.
    ///   - output: Shape `[N, P, Q, K]`.
    ///   - sums: Shape `[N, 2, K]`: overwritten with each sample's sums if the epilogue makes some.
    public func forward(
        _ input: borrowing Operand, weights: Span<Float>, sampleCount: Int, laneSize: Int,
        epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>, into output: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let epilogue = epilogue.fitted(to: &output)
        if let winograd {
            DenseKernel.transform(
                weights, channels: shape.channels, outputs: shape.outputChannels, into: &panels, on: pool)
            winograd.convolve(
                input, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue, into: &output,
                sums: &sums, on: pool)
        } else if let polyphase {
            StridedKernel.transform(
                weights, channels: shape.channels, outputs: shape.outputChannels, into: &panels, on: pool)
            polyphase.convolve(
                input, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue, into: &output,
                sums: &sums, on: pool)
        } else {
            taps.packWeights(weights, isTransposed: false, into: &panels, on: pool)
            run(
                [taps], input, panels: panels.span, sampleCount: sampleCount, laneSize: laneSize,
                epilogue: epilogue, into: &output, sums: &sums, on: pool)
        }
    }

    /// Overwrites `inputGradient` with the gradient of the input.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - panels: Room for `panelCount` elements; overwritten.
    ///   - inputGradient: Shape `[N, H, W, C]`.
    ///   - sums: Shape `[N, 2, C]`: overwritten with each sample's sums if the epilogue makes some.
    public func inputGradient(
        _ outputGradient: borrowing Operand, weights: Span<Float>, sampleCount: Int, laneSize: Int,
        epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>,
        into inputGradient: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let epilogue = epilogue.fitted(to: &inputGradient)
        if let winograd {
            DenseKernel.transformTurned(
                weights, channels: shape.outputChannels, outputs: shape.channels, into: &panels, on: pool)
            winograd.transposed.convolve(
                outputGradient, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue,
                into: &inputGradient, sums: &sums, on: pool)
        } else if polyphase != nil {
            StridedKernel.transformTurned(
                weights, channels: shape.outputChannels, outputs: shape.channels, into: &panels, on: pool)
            PolyphaseConvolution(inputGradientOf: shape).convolve(
                outputGradient, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue,
                into: &inputGradient, sums: &sums, on: pool)
        } else {
            packPhases(weights, into: &panels, on: pool)
            run(
                phases, outputGradient, panels: panels.span, sampleCount: sampleCount, laneSize: laneSize,
                epilogue: epilogue, into: &inputGradient, sums: &sums, on: pool)
        }
    }

    private func packPhases(
        _ weights: Span<Float>, into panels: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        var start = 0
        for phase in phases {
            var own = panels.part(start..<start + phase.panelCount)
            phase.packWeights(weights, isTransposed: true, into: &own, on: pool)
            start += phase.panelCount
        }
    }

    /// Overwrites `laneGradients` with the gradient of the weights, one for each part of a lane.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - laneGradients: Shape `[⌈N / laneSize⌉, gradientParts, R, S, C, K]`.
    public func weightGradient(
        _ input: borrowing Operand, outputGradient: borrowing Operand, sampleCount: Int, laneSize: Int,
        into laneGradients: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        if let winograd {
            WinogradWeightGradient(winograd).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount, laneSize: laneSize,
                into: &laneGradients, on: pool)
        } else if let polyphase {
            PolyphaseWeightGradient(polyphase).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount, laneSize: laneSize,
                into: &laneGradients, on: pool)
        } else {
            let parts = gradientParts(laneSize: laneSize)
            TapWeightGradient(shape, usesLibrary: path == .library).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount,
                laneSize: laneSize / parts, lanes: (sampleCount + laneSize - 1) / laneSize * parts,
                into: &laneGradients, on: pool)
        }
    }

    /// Overwrites both gradients, as `weightGradient` and `inputGradient` do, to the bit; in one reading where that is faster.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - panels: Room for `panelCount` elements; overwritten.
    ///   - laneGradients: Shape `[⌈N / laneSize⌉, gradientParts, R, S, C, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`.
    ///   - sums: Shape `[N, 2, C]`: overwritten with each sample's sums if the epilogue makes some.
    public func gradients(
        _ input: borrowing Operand, outputGradient: borrowing Operand, weights: Span<Float>, sampleCount: Int,
        laneSize: Int, epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>,
        intoWeights laneGradients: inout MutableSpan<Float>,
        intoInput inputGradient: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let parts = gradientParts(laneSize: laneSize)
        let lanes = (sampleCount + laneSize - 1) / laneSize
        guard let pointwise, lanes * parts >= pool.threads else {
            weightGradient(
                input, outputGradient: outputGradient, sampleCount: sampleCount, laneSize: laneSize,
                into: &laneGradients, on: pool)
            self.inputGradient(
                outputGradient, weights: weights, sampleCount: sampleCount, laneSize: laneSize,
                epilogue: epilogue, panels: &panels, into: &inputGradient, sums: &sums, on: pool)
            return
        }
        packPhases(weights, into: &panels, on: pool)
        let epilogue = epilogue.fitted(to: &inputGradient)
        pointwise.run(
            input: input, outputGradient: outputGradient, panels: panels.span, sampleCount: sampleCount,
            partSize: laneSize / parts, parts: lanes * parts, epilogue: epilogue, into: &inputGradient,
            partGradients: &laneGradients, sums: &sums, on: pool)
    }

    /// Runs all of `convolutions` over each item's images.
    private func run(
        _ convolutions: [TapConvolution], _ operand: borrowing Operand, panels: Span<Float>, sampleCount: Int,
        laneSize: Int, epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let positions = convolutions.map(\.positions).reduce(0, +)
        var images = 1
        while laneSize.isMultiple(of: 2 * images) && 2 * images * positions <= 1024 { images *= 2 }
        let count = images
        let channels = convolutions[0].target.channels
        let operand = copy operand
        let epilogue = copy epilogue
        pool.share(
            &output, &sums, items: (sampleCount + count - 1) / count,
            scratch: convolutions.map(\.scratchCount).max() ?? 0
        ) { item, output, sums, scratch in
            let samples = item * count..<min((item + 1) * count, sampleCount)
            if epilogue.hasSums {
                var own = sums.part(2 * samples.lowerBound * channels..<2 * samples.upperBound * channels)
                own.update(repeating: 0)
            }
            var start = 0
            for convolution in convolutions {
                convolution.run(
                    operand, panels: panels.extracting(start..<start + convolution.panelCount),
                    samples: samples,
                    epilogue: epilogue, into: &output, sums: &sums, scratch: &scratch)
                start += convolution.panelCount
            }
        }
    }
}
