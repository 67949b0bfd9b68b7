internal import Kernels
internal import Workers

/// A convolution without bias.
struct Convolution2D: Sendable {
    let shape: ConvolutionShape
    private let convolution: Convolution
    private let weights: Range<Int>

    init(
        _ name: String, _ shape: ConvolutionShape, _ choices: ConvolutionChoices, initializer: Initializer,
        in store: ParameterStore
    ) {
        self.shape = shape
        convolution = Convolution(shape, choices)
        weights = store.parameter(
            "\(name).weight", shape: [shape.outputChannels, shape.channels, shape.kernel, shape.kernel],
            layout: .convolution, initializer)
    }

    /// Floats of a worker's memory that a pass needs.
    func scratchCount(_ pass: Pass) -> Int {
        convolution.scratchCount(
            sampleCount: pass.sampleCount, laneSize: pass.laneSize, threads: pass.pool.threads)
    }
    /// Elements of the packed weights.
    var panelCount: Int { convolution.panelCount }
    /// Elements of one weight gradient for each of the rank's lanes.
    func laneGradientCount(_ pass: Pass) -> Int {
        guard pass.mode == .training else { return 0 }
        return pass.placement.lanes.count * parts(pass) * shape.weightCount
    }
    private func parts(_ pass: Pass) -> Int { convolution.gradientParts(laneSize: pass.laneSize) }

    /// - Parameters:
    ///   - input: Shape `[N, H, W, C]`.
    ///   - output: Shape `[N, P, Q, K]`; overwritten.
    ///   - sums: Shape `[N, 2, K]`; overwritten if `epilogue` makes sums.
    func forward(
        _ input: borrowing Operand, parameters: borrowing Buffer<Float>, epilogue: borrowing Epilogue,
        panels: inout Buffer<Float>, into output: inout Buffer<Float>, sums: inout Buffer<Double>,
        _ pass: Pass
    ) {
        output.reserve(pass.sampleCount * shape.outputCount)
        panels.reserve(panelCount)
        let weights = parameters.span.extracting(weights)
        var panels = panels.mutableSpan
        var usedPanels = panels.part(0..<panelCount)
        var output = output.mutableSpan
        var sums = sums.mutableSpan
        convolution.forward(
            input, weights: weights, sampleCount: pass.sampleCount, laneSize: pass.laneSize,
            epilogue: epilogue,
            panels: &usedPanels, into: &output, sums: &sums, on: pass.pool)
    }

    /// Overwrites the weights' part of the store's gradients with the sum over the pass's lanes.
    ///
    /// - Parameter lanes: Room for one gradient a lane; overwritten.
    func weightGradient(
        _ input: borrowing Operand, outputGradient: borrowing Operand, store: ParameterStore,
        lanes: inout Buffer<Float>, _ pass: Pass
    ) {
        lanes.reserve(laneGradientCount(pass))
        var whole = lanes.mutableSpan
        var used = whole.part(0..<laneGradientCount(pass))
        convolution.weightGradient(
            input, outputGradient: outputGradient, sampleCount: pass.sampleCount, laneSize: pass.laneSize,
            into: &used, on: pass.pool)
        sum(used.span, into: &store.gradients, pass)
        store.complete(weights, pass)
    }

    /// As `weightGradient`, and overwrites `inputGradient`.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`; overwritten.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func gradients(
        _ input: borrowing Operand, outputGradient: borrowing Operand, store: ParameterStore,
        epilogue: borrowing Epilogue, lanes: inout Buffer<Float>, panels: inout Buffer<Float>,
        into inputGradient: inout Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        inputGradient.reserve(pass.sampleCount * shape.inputCount)
        panels.reserve(panelCount)
        lanes.reserve(laneGradientCount(pass))
        var wholeLanes = lanes.mutableSpan
        var usedLanes = wholeLanes.part(0..<laneGradientCount(pass))
        var wholePanels = panels.mutableSpan
        var usedPanels = wholePanels.part(0..<panelCount)
        var inputGradient = inputGradient.mutableSpan
        var sums = sums.mutableSpan
        convolution.gradients(
            input, outputGradient: outputGradient, weights: store.values.span.extracting(weights),
            sampleCount: pass.sampleCount, laneSize: pass.laneSize, epilogue: epilogue, panels: &usedPanels,
            intoWeights: &usedLanes, intoInput: &inputGradient, sums: &sums, on: pass.pool)
        sum(usedLanes.span, into: &store.gradients, pass)
        store.complete(weights, pass)
    }

    /// Overwrites `inputGradient` alone.
    ///
    /// - Parameters:
    ///   - outputGradient: Shape `[N, P, Q, K]`.
    ///   - inputGradient: Shape `[N, H, W, C]`; overwritten.
    ///   - sums: Shape `[N, 2, C]`; overwritten if `epilogue` makes sums.
    func inputGradient(
        _ outputGradient: borrowing Operand, parameters: borrowing Buffer<Float>,
        epilogue: borrowing Epilogue, panels: inout Buffer<Float>, into inputGradient: inout Buffer<Float>,
        sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let weights = parameters.span.extracting(weights)
        inputGradient.reserve(pass.sampleCount * shape.inputCount)
        panels.reserve(panelCount)
        var wholePanels = panels.mutableSpan
        var usedPanels = wholePanels.part(0..<panelCount)
        var inputGradient = inputGradient.mutableSpan
        var sums = sums.mutableSpan
        convolution.inputGradient(
            outputGradient, weights: weights, sampleCount: pass.sampleCount, laneSize: pass.laneSize,
            epilogue: epilogue, panels: &usedPanels, into: &inputGradient, sums: &sums, on: pass.pool)
    }

    private func sum(_ lanes: Span<Float>, into gradients: inout Buffer<Float>, _ pass: Pass) {
        var all = gradients.mutableSpan
        var own = all.part(weights)
        sumLanes(
            lanes, laneCount: pass.placement.lanes.count, parts: parts(pass), into: &own, on: pass.pool)
    }
}
