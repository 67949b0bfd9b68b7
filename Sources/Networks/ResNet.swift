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
    private let none = Buffer<Float>(zeros: 0)
    private let workspace = GradientWorkspace()
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
        try stem.forward(images, residual: none, store: store, pass)
        pooling?.forward(stem.output, pass)
        for i in blocks.indices {
            try withInput(ofBlock: i) { try blocks[i].forward($0, store: store, pass) }
        }
        features.reserve(pass.sampleCount * featureDimension)
        pool(blocks[blocks.count - 1].last.output, into: &features, pass)
        if pass.mode == .training { store.batchCount += 1 }
    }

    /// Sets the gradients of all parameters, summed over the rank's lanes.
    ///
    /// - Parameter featureGradient: Shape `[N, D]`.
    func backward(
        _ images: borrowing Buffer<Float>, featureGradient: borrowing Buffer<Float>, store: ParameterStore,
        _ pass: Pass
    ) throws {
        spread(featureGradient, into: &gradient, pass)
        for i in blocks.indices.reversed() {
            try withInput(ofBlock: i) {
                try blocks[i].backward(
                    $0, gradient: &gradient, store: store, workspace: workspace, pass)
            }
        }
        if let pooling {
            pooling.backward(gradient, into: &workspace.outer, pass)
            swap(&gradient, &workspace.outer)
        }
        try stem.backward(
            images, gradient: &gradient, store: store, into: &workspace.outer, needsInputGradient: false,
            workspace: workspace, pass)
    }

    /// Calls `body` with what block `i` gets in the forward pass.
    private func withInput(
        ofBlock i: Int, _ body: (borrowing Buffer<Float>) throws -> Void
    ) rethrows {
        if i > 0 {
            try body(blocks[i - 1].last.output)
        } else if let pooling {
            try body(pooling.output)
        } else {
            try body(stem.output)
        }
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
