internal import Kernels
internal import Workers

/// A residual network without its classifier: images in, pooled features out.
final class ResNet {
    let featureDimension: Int
    let imageCount: Int
    private let stem: ConvolutionUnit
    private let pooling: MaxPooling2D?
    private let blocks: [ResidualBlock]
    private let positions: Int
    private let workspace = Workspace()
    private var gradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`: the mean of the last stage over all positions.
    private(set) var features = Buffer<Float>(zeros: 0)

    init(_ architecture: ResidualArchitecture, in store: ParameterStore) {
        let stemShape = architecture.stemShape
        imageCount = stemShape.inputCount
        stem = ConvolutionUnit(("conv1", "bn1"), stemShape, architecture, rectifies: true, in: store)
        pooling = architecture.poolingShape.map(MaxPooling2D.init)
        blocks = architecture.blocks.map { ResidualBlock($0, architecture, in: store) }
        let shape = blocks[blocks.count - 1].last.convolution.shape
        featureDimension = shape.outputChannels
        positions = shape.outputPositions
    }

    /// Sets `features`.
    ///
    /// - Parameter images: Shape `[N, H, W, 3]`, normalised.
    func forward(_ images: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass) throws {
        switch pass.mode {
        case .training:
            reserveGradients(pass)
            try stem.forwardTraining(
                images, workspace.none, rectifies: false, store: store, workspace: workspace, pass)
            pooling?.forward(stem.output, workspace: workspace, pass)
            for i in blocks.indices {
                try blocks[i].forwardTraining(input(ofBlock: i), store: store, workspace: workspace, pass)
            }
            store.batchCount += 1
        case .evaluation:
            stem.forwardEvaluation(
                images, residual: workspace.none, rectifies: true, store: store, workspace: workspace,
                pass)
            pooling?.forward(finished: stem.output.values, pass)
            for i in blocks.indices {
                blocks[i].forwardEvaluation(input(ofBlock: i), store: store, workspace: workspace, pass)
            }
        }
        features.reserve(pass.sampleCount * featureDimension)
        pool(blocks[blocks.count - 1].output.values, into: &features, pass)
    }

    /// Sets the gradients of all parameters, summed over the rank's lanes.
    ///
    /// - Parameter featureGradient: Shape `[N, D]`.
    func backward(
        _ images: borrowing Buffer<Float>, featureGradient: borrowing Buffer<Float>, store: ParameterStore,
        _ pass: Pass
    ) throws {
        let last = blocks[blocks.count - 1]
        spread(featureGradient, into: &gradient, pass)
        mask(
            &gradient, byRectified: last.output.values, normalized: last.last.output.values,
            sums: &last.last.normalization.sampleSums, pass)
        for i in blocks.indices.reversed() {
            try blocks[i].backward(
                input(ofBlock: i), gradient: &gradient, source: source(ofBlock: i), store: store,
                workspace: workspace, pass)
        }
        if let pooling {
            pooling.backward(gradient, into: &workspace.outer, pass)
            swap(&gradient, &workspace.outer)
            mask(
                &gradient, stem.output.values, stem.output.coefficients, sums: &stem.normalization.sampleSums,
                pass)
        }
        try stem.differentiateParameters(
            images, workspace.none, rectifies: false, gradient: gradient, store: store, workspace: workspace,
            pass)
    }

    /// Makes room for the largest gradients at once: they change places as the backward pass goes, and grow in none.
    private func reserveGradients(_ pass: Pass) {
        let counts = blocks.map(\.largestCounts)
        let outer = pass.sampleCount * max(counts.map(\.outer).max() ?? 0, stem.convolution.shape.outputCount)
        let inner = pass.sampleCount * (counts.map(\.inner).max() ?? 0)
        gradient.reserve(outer)
        workspace.outer.reserve(outer)
        workspace.inner.reserve(inner)
        workspace.nextInner.reserve(inner)
    }

    private func input(ofBlock i: Int) -> Activation {
        i > 0 ? blocks[i - 1].output : pooling?.output ?? stem.output
    }

    private func source(ofBlock i: Int) -> ResidualBlock.Source {
        if i > 0 { return .block(blocks[i - 1]) }
        return pooling == nil ? .unit(stem) : .other
    }

    private func mask(
        _ gradient: inout Buffer<Float>, byRectified rectified: borrowing Buffer<Float>,
        normalized: borrowing Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let rectified = rectified.span
        let normalized = normalized.span
        var gradient = gradient.mutableSpan
        var sums = sums.mutableSpan
        maskGradient(
            &gradient, epilogue: Epilogue(maskingByRectified: rectified, normalized: normalized),
            channels: featureDimension, positions: positions, sampleCount: pass.sampleCount, sums: &sums,
            on: pass.pool)
    }

    private func mask(
        _ gradient: inout Buffer<Float>, _ normalized: borrowing Buffer<Float>,
        _ coefficients: borrowing Buffer<Float>, sums: inout Buffer<Double>, _ pass: Pass
    ) {
        let normalized = normalized.span
        let coefficients = coefficients.span
        let shape = stem.convolution.shape
        var gradient = gradient.mutableSpan
        var sums = sums.mutableSpan
        maskGradient(
            &gradient,
            epilogue: Epilogue(
                maskingBy: normalized, coefficients: coefficients, groups: pass.placement.groups),
            channels: shape.outputChannels, positions: shape.outputPositions, sampleCount: pass.sampleCount,
            sums: &sums, on: pass.pool)
    }

    private func pool(
        _ output: borrowing Buffer<Float>, into features: inout Buffer<Float>, _ pass: Pass
    ) {
        let output = output.span
        var whole = features.mutableSpan
        var used = whole.part(0..<pass.sampleCount * featureDimension)
        globalAveragePool(
            output, channels: featureDimension, positions: positions, into: &used, on: pass.pool)
    }

    private func spread(
        _ featureGradient: borrowing Buffer<Float>, into gradient: inout Buffer<Float>, _ pass: Pass
    ) {
        let count = pass.sampleCount * positions * featureDimension
        gradient.reserve(count)
        let featureGradient = featureGradient.span
        var whole = gradient.mutableSpan
        var used = whole.part(0..<count)
        globalAveragePoolGradient(
            featureGradient, channels: featureDimension, positions: positions, into: &used, on: pass.pool)
    }
}
