internal import Kernels
internal import Workers

/// A residual network without its classifier: images in, pooled features out.
final class ResNet {
    let featureDimension: Int
    let imageCount: Int
    private let stem: ConvolutionUnit
    private let blocks: [ResidualBlock]
    private let positions: Int
    private let none = Buffer<Float>(zeros: 0)
    private let workspace = GradientWorkspace()
    private var gradient = Buffer<Float>(zeros: 0)
    /// Shape `[N, D]`: the mean of the last stage over all positions.
    private(set) var features = Buffer<Float>(zeros: 0)

    init(_ architecture: ResidualArchitecture, in store: ParameterStore) {
        let size = architecture.imageSize
        imageCount = size * size * architecture.imageChannels
        let stemShape = ConvolutionShape(
            height: size, width: size, channels: architecture.imageChannels,
            outputChannels: architecture.widths[0], kernel: 3, padding: 1)
        stem = ConvolutionUnit(
            ("conv1", "bn1"), stemShape, initializer: architecture.convolution(stemShape), rectifies: true,
            in: store)
        var blocks: [ResidualBlock] = []
        var shape = stemShape
        for (stage, width) in architecture.widths.enumerated() {
            for index in 0..<architecture.blocks[stage] {
                let stride = index == 0 && stage > 0 ? 2 : 1
                let first = ConvolutionShape(
                    height: shape.outputHeight, width: shape.outputWidth, channels: shape.outputChannels,
                    outputChannels: width, kernel: 3, stride: stride, padding: 1)
                let name = "layer\(stage + 1).\(index)"
                blocks.append(Self.basicBlock(name, first, architecture, in: store))
                shape = ConvolutionShape(
                    height: first.outputHeight, width: first.outputWidth, channels: width,
                    outputChannels: width, kernel: 3, padding: 1)
            }
        }
        self.blocks = blocks
        featureDimension = shape.outputChannels
        positions = shape.outputPositions
    }

    private static func basicBlock(
        _ name: String, _ first: ConvolutionShape, _ architecture: ResidualArchitecture,
        in store: ParameterStore
    ) -> ResidualBlock {
        let second = ConvolutionShape(
            height: first.outputHeight, width: first.outputWidth, channels: first.outputChannels,
            outputChannels: first.outputChannels, kernel: 3, padding: 1)
        let units = [first, second].enumerated().map { index, shape in
            ConvolutionUnit(
                ("\(name).conv\(index + 1)", "\(name).bn\(index + 1)"), shape,
                initializer: architecture.convolution(shape), rectifies: true, in: store)
        }
        guard first.stride != 1 || first.channels != first.outputChannels else {
            return ResidualBlock(units: units, shortcut: .identity)
        }
        let shape = ConvolutionShape(
            height: first.height, width: first.width, channels: first.channels,
            outputChannels: first.outputChannels, kernel: 1, stride: first.stride)
        switch architecture.shortcut {
        case .subsampling:
            return ResidualBlock(units: units, shortcut: .subsampling(shape))
        case .projection:
            let unit = ConvolutionUnit(
                ("\(name).shortcut.0", "\(name).shortcut.1"), shape,
                initializer: architecture.convolution(shape), rectifies: false, in: store)
            return ResidualBlock(units: units, shortcut: .projection(unit))
        }
    }

    /// Sets `features`.
    ///
    /// - Parameter images: Shape `[N, H, W, 3]`, normalised.
    func forward(_ images: borrowing Buffer<Float>, store: ParameterStore, _ pass: Pass) throws {
        try stem.forward(images, residual: none, store: store, pass)
        for (i, block) in blocks.enumerated() {
            if i == 0 {
                try block.forward(stem.output, store: store, pass)
            } else {
                try block.forward(blocks[i - 1].last.output, store: store, pass)
            }
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
        for i in stride(from: blocks.count - 1, through: 0, by: -1) {
            if i == 0 {
                try blocks[i].backward(
                    stem.output, gradient: &gradient, store: store, workspace: workspace, pass)
            } else {
                try blocks[i].backward(
                    blocks[i - 1].last.output, gradient: &gradient, store: store, workspace: workspace, pass)
            }
        }
        try stem.backward(
            images, gradient: &gradient, store: store, into: &workspace.outer, needsInputGradient: false,
            workspace: workspace, pass)
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
