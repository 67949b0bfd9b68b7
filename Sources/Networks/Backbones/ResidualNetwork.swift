internal import Kernels

/// A residual network (He, Zhang, Ren, Sun, arXiv 1512.03385): the choices by which its members
/// differ.
struct ResidualNetwork: Sendable {
    /// The layers before the first block.
    enum Stem: Sendable {
        /// A 3×3 convolution.
        case plain
        /// A 7×7 convolution of stride 2, then max-pooling 3×3 of stride 2.
        case pooled
    }

    enum BlockKind: Sendable {
        /// Two 3×3 convolutions, the stride on the first.
        case basic
        /// 1×1, 3×3 with the stride, 1×1 to four times the width.
        case bottleneck
    }

    /// The shortcut of a block that changes size or channels.
    enum Shortcut: Sendable {
        /// A pointwise convolution with batch norm; `name` is its name in the state dictionary.
        case projection(name: String)
        case subsampling
    }

    enum Initialization: Sendable {
        /// PyTorch's default everywhere.
        case torchDefault
        /// Kaiming-normal by the fan-in for convolutions and the last layer's weights.
        case kaimingNormalFanIn
        /// Kaiming-normal by the fan-out for convolutions, PyTorch's default for the last layer.
        case kaimingNormalFanOut
    }

    let stem: Stem
    /// Width of each stage's blocks; the stem has the first. Every stage but the first halves the
    /// image.
    let widths: [Int]
    /// Blocks in each stage.
    let depths: [Int]
    let block: BlockKind
    let shortcut: Shortcut
    let initialization: Initialization
    let classifierName: String
    /// Whether convolutions of stride 2 after the stem's read a blurred input; FFCV's names have
    /// `.conv` after theirs.
    var blurs = false
}

extension ResidualNetwork: Backbone {
    var hasReLUModules: Bool { stem == .pooled }

    func classifierWeight(dimension: Int) -> Initializer {
        switch initialization {
        case .torchDefault, .kaimingNormalFanOut: .torchDefault(fanIn: dimension)
        case .kaimingNormalFanIn: .kaimingNormal(fan: dimension)
        }
    }

    func declareLayers(in graph: inout LayerGraph) {
        var result = declareStem(&graph)
        graph.endStage(result)
        for (stage, width) in widths.enumerated() {
            for index in 0..<depths[stage] {
                result = declareBlock(
                    "layer\(stage + 1).\(index)", of: result, width: width,
                    stride: stage > 0 && index == 0 ? 2 : 1, &graph)
            }
            graph.endStage(result)
        }
    }

    private func declareStem(_ graph: inout LayerGraph) -> LayerGraph.Node {
        let (kernel, stride) = stem == .pooled ? (7, 2) : (3, 1)
        let convolution = graph.convolution(
            "conv1", of: graph.images, kernel: kernel, to: widths[0], stride: stride,
            initializer: initializer)
        let result = graph.relu(graph.batchNorm("bn1", of: convolution))
        return stem == .pooled ? graph.maxPool(result, kernel: 3, stride: 2) : result
    }

    /// The convolutions with their batch norms, a shortcut around them, and a ReLU after the sum.
    private func declareBlock(
        _ name: String, of input: LayerGraph.Node, width: Int, stride: Int, _ graph: inout LayerGraph
    ) -> LayerGraph.Node {
        let convolutions = convolutions(width: width, stride: stride)
        var result = input
        for (index, own) in convolutions.enumerated() {
            if index > 0 { result = graph.relu(result) }
            result = convolution(
                "\(name).conv\(index + 1)", of: result, kernel: own.kernel, to: own.channels,
                stride: own.stride, &graph)
            result = graph.batchNorm("\(name).bn\(index + 1)", of: result)
        }
        let channels = graph[result].map.channels
        let isIdentity = stride == 1 && channels == graph[input].map.channels
        let shortcut = isIdentity ? input : shortcut(name, of: input, to: channels, stride: stride, &graph)
        return graph.relu(graph.sum(result, shortcut))
    }

    private func convolutions(width: Int, stride: Int) -> [(kernel: Int, channels: Int, stride: Int)] {
        switch block {
        case .basic: [(3, width, stride), (3, width, 1)]
        case .bottleneck: [(1, width, 1), (3, width, stride), (1, 4 * width, 1)]
        }
    }

    private func shortcut(
        _ block: String, of input: LayerGraph.Node, to channels: Int, stride: Int,
        _ graph: inout LayerGraph
    ) -> LayerGraph.Node {
        switch shortcut {
        case .subsampling: return graph.subsampling(input, to: channels)
        case .projection(let name):
            let projection = convolution(
                "\(block).\(name).0", of: input, kernel: 1, to: channels, stride: stride, &graph)
            return graph.batchNorm("\(block).\(name).1", of: projection)
        }
    }

    private func convolution(
        _ name: String, of input: LayerGraph.Node, kernel: Int, to channels: Int, stride: Int,
        _ graph: inout LayerGraph
    ) -> LayerGraph.Node {
        let isBlurred = blurs && stride == 2
        return graph.convolution(
            isBlurred ? "\(name).conv" : name, of: isBlurred ? graph.blur(input) : input, kernel: kernel,
            to: channels, stride: stride, initializer: initializer)
    }

    private func initializer(of shape: ConvolutionShape) -> Initializer {
        switch initialization {
        case .torchDefault: .torchDefault(fanIn: shape.patchCount)
        case .kaimingNormalFanIn: .kaimingNormal(fan: shape.patchCount)
        case .kaimingNormalFanOut: .kaimingNormal(fan: shape.kernel * shape.kernel * shape.outputChannels)
        }
    }
}

// MARK: - Members

extension ResidualNetwork {
    /// OpenOOD's ResNet-18 for 32×32 images.
    static let openOODResNet18 = ResidualNetwork(
        stem: .plain, widths: [64, 128, 256, 512], depths: [2, 2, 2, 2], block: .basic,
        shortcut: .projection(name: "shortcut"), initialization: .torchDefault, classifierName: "fc")

    /// ResNet-(6·depth + 2) of arXiv 1512.03385, section 4.2.
    static func smallCIFAR(depth: Int) -> ResidualNetwork {
        ResidualNetwork(
            stem: .plain, widths: [16, 32, 64], depths: [depth, depth, depth], block: .basic,
            shortcut: .subsampling, initialization: .kaimingNormalFanIn, classifierName: "linear")
    }

    /// The networks of arXiv 1512.03385, table 1, as in torchvision; bottlenecks have their stride
    /// on the 3×3 ("v1.5").
    static func torchvision(_ block: BlockKind, depths: [Int], blurs: Bool = false) -> ResidualNetwork {
        ResidualNetwork(
            stem: .pooled, widths: [64, 128, 256, 512], depths: depths, block: block,
            shortcut: .projection(name: "downsample"), initialization: .kaimingNormalFanOut,
            classifierName: "fc", blurs: blurs)
    }
}
