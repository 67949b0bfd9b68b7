internal import Memory
package import Workers

/// An algorithm that computes a convolution.
package enum ConvolutionAlgorithm: String, CaseIterable, Codable, Sendable {
    /// Winograd, for 3×3 kernels and channel counts that are multiples of 16. With stride 1 F(4×4,
    /// 3×3), a quarter of the multiplications; with stride 2 polyphase with F(4, 2), 9 of 16.
    case winograd
    /// Implicit GEMM: gathers patches a few rows at a time and multiplies them in register tiles.
    /// Supports any convolution.
    case tiled
    /// Same as `tiled`, with the products computed by the BLAS library.
    case library
    /// Same as `tiled`, with products of integers of 14 bits, those of the weight gradient of 13; their
    /// sums in single precision. For mixed precision.
    case tiledInt14
    /// Winograd with stride 1, with products of integers of 14 bits but for the weight gradient, which
    /// is that of `winograd`. For mixed precision.
    case winogradInt14
}

/// A convolution without bias: the forward pass and both gradients, by one algorithm.
///
/// Inputs and gradients are read through a `Prologue` and results are written through an
/// `Epilogue`, so normalisations and ReLUs around a convolution need no pass over memory of their
/// own.
///
/// With all algorithms but `library` each result is one fixed chain of operations, however the work is
/// split and whatever the processor's vector width. With `library` it depends on the microbatch
/// size and on the kernels that the library uses on this processor.
package struct Convolution: Sendable {
    package let shape: ConvolutionShape
    package let algorithm: ConvolutionAlgorithm
    private let winograd: WinogradConvolution?
    private let polyphase: PolyphaseConvolution?
    private let taps: ImplicitGEMMConvolution
    private let phases: [ImplicitGEMMConvolution]
    private let pointwise: PointwiseGradients?

    /// - Precondition: `algorithm` is one of `Convolution.algorithms(for: shape)`.
    package init(_ shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
        precondition(
            Self.algorithms(for: shape).contains(algorithm)
                || Self.mixedAlgorithms(for: shape).contains(algorithm),
            "algorithm \(algorithm) cannot compute \(shape)")
        self.shape = shape
        self.algorithm = algorithm
        let isDense = [.winograd, .winogradInt14].contains(algorithm) && shape.stride == 1
        winograd =
            isDense ? WinogradConvolution(shape, usesIntegers: algorithm == .winogradInt14) : nil
        polyphase = algorithm == .winograd && shape.stride == 2 ? PolyphaseConvolution(shape) : nil
        let arithmetic = ImplicitGEMMConvolution.Arithmetic(algorithm)
        taps = ImplicitGEMMConvolution(shape, arithmetic)
        phases = ImplicitGEMMConvolution.inputGradient(of: shape, arithmetic)
        pointwise =
            [.tiled, .tiledInt14].contains(algorithm) && PointwiseGradients.supports(shape)
            ? PointwiseGradients(shape, arithmetic) : nil
    }

    /// A convolution by the algorithm that `selection` has for its shape.
    package init(_ shape: ConvolutionShape, _ selection: AlgorithmSelection = .shape) {
        self.init(shape, algorithm: selection.algorithm(for: shape))
    }

    /// The algorithms that can compute a shape; the preferred one comes first.
    ///
    /// Winograd is preferred where it takes fewer products. With stride 2 it does not on small maps,
    /// which tiles of 4×4 outputs cover badly: 5×5 outputs take 324 products instead of 225.
    package static func algorithms(for shape: ConvolutionShape) -> [ConvolutionAlgorithm] {
        let products: Int
        if WinogradConvolution.supports(shape) {
            products = WinogradConvolution.products(shape)
        } else if PolyphaseConvolution.supports(shape) {
            products = PolyphaseConvolution.products(shape)
        } else {
            return [.tiled, .library]
        }
        let direct = 9 * shape.outputHeight * shape.outputWidth
        return products < direct ? [.winograd, .tiled, .library] : [.tiled, .winograd, .library]
    }

    /// Elements of the packed weights, the larger of the forward pass and the input gradient.
    package var panelCount: Int {
        if let winograd { return max(winograd.panelCount, winograd.transposed.panelCount) }
        if let polyphase { return polyphase.panelCount }
        return max(taps.panelCount, phases.map(\.panelCount).reduce(0, +))
    }

    /// Floats of scratch memory per worker, the largest of the three passes.
    package func scratchCount(sampleCount: Int, microbatchSize: Int, threads: Int) -> Int {
        if let winograd {
            return max(
                winograd.scratchCount(sampleCount: sampleCount, threads: threads),
                winograd.transposed.scratchCount(sampleCount: sampleCount, threads: threads),
                WinogradWeightGradient(winograd).scratchCount(
                    sampleCount: sampleCount, microbatchSize: microbatchSize, threads: threads))
        }
        if let polyphase {
            return max(
                polyphase.scratchCount, PolyphaseConvolution(inputGradientOf: shape).scratchCount,
                PolyphaseWeightGradient(polyphase).scratchCount(
                    sampleCount: sampleCount, microbatchSize: microbatchSize, threads: threads))
        }
        let microbatches =
            (sampleCount + microbatchSize - 1) / microbatchSize
            * gradientParts(microbatchSize: microbatchSize)
        return max(
            taps.scratchCount, phases.map(\.scratchCount).max() ?? 0, pointwise?.scratchCount ?? 0,
            ImplicitGEMMWeightGradient(shape, ImplicitGEMMConvolution.Arithmetic(algorithm)).scratchCount(
                microbatches: microbatches, threads: threads))
    }

    /// Number of partial gradients that `weightGradient` writes per microbatch; see
    /// `sumMicrobatches`.
    package func gradientParts(microbatchSize: Int) -> Int {
        pointwise == nil ? 1 : PointwiseGradients.parts(microbatchSize: microbatchSize)
    }

    /// Overwrites `output` with the convolution (cross-correlation) of a batch.
    ///
    /// `output[n, p, q, k]` is the sum over `r`, `s`, `c` of
    /// `input[n, p·stride + r − padding, q·stride + s − padding, c] · weights[r, s, c, k]`.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - microbatchSize: Samples in a microbatch.
    ///   - panels: Room for `panelCount` elements; overwritten.
    ///   - output: Shape `[N, P, Q, K]`.
    ///   - sums: Shape `[N, 2, K]`: overwritten with each sample's sums if the epilogue computes
    ///     sums.
    package func forward(
        _ input: borrowing Prologue, weights: Span<Float>, sampleCount: Int, microbatchSize: Int,
        epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>, into output: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let epilogue = epilogue.fitted(to: &output)
        if let winograd {
            winograd.convolve(
                input, weights: weights, isTurned: false, panels: &panels, sampleCount: sampleCount,
                epilogue: epilogue, into: &output, sums: &sums, on: pool)
        } else if let polyphase {
            StridedKernel.transform(
                weights, channels: shape.channels, outputs: shape.outputChannels, into: &panels, on: pool)
            polyphase.convolve(
                input, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue, into: &output,
                sums: &sums, on: pool)
        } else {
            taps.packWeights(weights, isTransposed: false, into: &panels, on: pool)
            run(
                [taps], input, panels: panels.span, sampleCount: sampleCount, microbatchSize: microbatchSize,
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
    ///   - sums: Shape `[N, 2, C]`: overwritten with each sample's sums if the epilogue computes
    ///     sums.
    package func inputGradient(
        _ outputGradient: borrowing Prologue, weights: Span<Float>, sampleCount: Int, microbatchSize: Int,
        epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>,
        into inputGradient: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let epilogue = epilogue.fitted(to: &inputGradient)
        if let winograd {
            winograd.transposed.convolve(
                outputGradient, weights: weights, isTurned: true, panels: &panels, sampleCount: sampleCount,
                epilogue: epilogue, into: &inputGradient, sums: &sums, on: pool)
        } else if polyphase != nil {
            StridedKernel.transformTurned(
                weights, channels: shape.outputChannels, outputs: shape.channels, into: &panels, on: pool)
            PolyphaseConvolution(inputGradientOf: shape).convolve(
                outputGradient, panels: panels.span, sampleCount: sampleCount, epilogue: epilogue,
                into: &inputGradient, sums: &sums, on: pool)
        } else {
            packPhases(weights, into: &panels, on: pool)
            run(
                phases, outputGradient, panels: panels.span, sampleCount: sampleCount,
                microbatchSize: microbatchSize,
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

    /// Overwrites `microbatchGradients` with the partial weight gradients of each microbatch.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - microbatchGradients: Shape `[⌈N / microbatchSize⌉, gradientParts, R, S, C, K]`.
    package func weightGradient(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, sampleCount: Int,
        microbatchSize: Int,
        into microbatchGradients: inout MutableSpan<Float>, on pool: WorkerPool
    ) {
        if let winograd {
            WinogradWeightGradient(winograd).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount,
                microbatchSize: microbatchSize,
                into: &microbatchGradients, on: pool)
        } else if let polyphase {
            PolyphaseWeightGradient(polyphase).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount,
                microbatchSize: microbatchSize,
                into: &microbatchGradients, on: pool)
        } else {
            let parts = gradientParts(microbatchSize: microbatchSize)
            ImplicitGEMMWeightGradient(shape, ImplicitGEMMConvolution.Arithmetic(algorithm)).accumulate(
                input: input, outputGradient: outputGradient, sampleCount: sampleCount,
                microbatchSize: microbatchSize / parts,
                microbatches: (sampleCount + microbatchSize - 1) / microbatchSize * parts,
                into: &microbatchGradients, on: pool)
        }
    }

    /// Overwrites both gradients with the same bits as `weightGradient` and `inputGradient`; reads
    /// the tensors only once if that is faster.
    ///
    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - weights: Shape `[R, S, C, K]`.
    ///   - panels: Room for `panelCount` elements; overwritten.
    ///   - microbatchGradients: Shape `[⌈N / microbatchSize⌉, gradientParts, R, S, C, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`.
    ///   - sums: Shape `[N, 2, C]`: overwritten with each sample's sums if the epilogue computes
    ///     sums.
    package func gradients(
        _ input: borrowing Prologue, outputGradient: borrowing Prologue, weights: Span<Float>,
        sampleCount: Int,
        microbatchSize: Int, epilogue: borrowing Epilogue, panels: inout MutableSpan<Float>,
        intoWeights microbatchGradients: inout MutableSpan<Float>,
        intoInput inputGradient: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        precondition(weights.count == shape.weightCount, "\(weights.count) weights for \(shape)")
        let parts = gradientParts(microbatchSize: microbatchSize)
        let microbatches = (sampleCount + microbatchSize - 1) / microbatchSize
        guard let pointwise, microbatches * parts >= pool.threads else {
            weightGradient(
                input, outputGradient: outputGradient, sampleCount: sampleCount,
                microbatchSize: microbatchSize,
                into: &microbatchGradients, on: pool)
            self.inputGradient(
                outputGradient, weights: weights, sampleCount: sampleCount, microbatchSize: microbatchSize,
                epilogue: epilogue, panels: &panels, into: &inputGradient, sums: &sums, on: pool)
            return
        }
        packPhases(weights, into: &panels, on: pool)
        let epilogue = epilogue.fitted(to: &inputGradient)
        pointwise.run(
            input: input, outputGradient: outputGradient, panels: panels.span, sampleCount: sampleCount,
            partSize: microbatchSize / parts, parts: microbatches * parts, epilogue: epilogue,
            into: &inputGradient,
            partGradients: &microbatchGradients, sums: &sums, on: pool)
    }

    /// Runs all of `convolutions` over each item's images and output channels.
    private func run(
        _ convolutions: [ImplicitGEMMConvolution], _ prologue: borrowing Prologue, panels: Span<Float>,
        sampleCount: Int,
        microbatchSize: Int, epilogue: borrowing Epilogue, into output: inout MutableSpan<Float>,
        sums: inout MutableSpan<Double>, on pool: WorkerPool
    ) {
        let positions = convolutions.map(\.positions).reduce(0, +)
        var images = 1
        while microbatchSize.isMultiple(of: 2 * images) && 2 * images * positions <= 1024 { images *= 2 }
        let count = images
        let channels = convolutions[0].target.channels
        let groups = (sampleCount + count - 1) / count
        let splits = convolutions[0].splits(wanted: (pool.threads + groups - 1) / max(groups, 1))
        let prologue = copy prologue
        let epilogue = copy epilogue
        unsafe pool.share(
            &output, &sums, items: groups * splits, scratch: convolutions.map(\.scratchCount).max() ?? 0
        ) { item, output, sums, scratch in
            let (group, split) = item.quotientAndRemainder(dividingBy: splits)
            let samples = group * count..<min((group + 1) * count, sampleCount)
            let columns = convolutions[0].columns(split, of: splits)
            epilogue.clear(&sums, samples: samples, range: columns, channels: channels)
            var start = 0
            for convolution in convolutions {
                convolution.run(
                    prologue, panels: panels.extracting(start..<start + convolution.panelCount),
                    samples: samples, columns: columns, epilogue: epilogue, into: &output, sums: &sums,
                    scratch: &scratch)
                start += convolution.panelCount
            }
        }
    }
}
