internal import Kernels

/// The choices by which residual networks differ.
struct ResidualArchitecture: Sendable {
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
        /// `name` is its name in the state dictionary.
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

    /// Height and width of an image.
    let imageSize: Int
    let stem: Stem
    /// Width of each stage's blocks; the stem has the first. Every stage but the first halves the
    /// image.
    let widths: [Int]
    /// Blocks in each stage.
    let depths: [Int]
    let block: BlockKind
    let shortcut: Shortcut
    let initialization: Initialization
    /// Name of the last layer in the state dictionary.
    let classifierName: String

    let imageChannels = 3
    /// The algorithm of each convolution.
    var convolutions = AlgorithmSelection.shape

    func initializer(of shape: ConvolutionShape) -> Initializer {
        switch initialization {
        case .torchDefault: .torchDefault(fanIn: shape.patchCount)
        case .kaimingNormalFanIn: .kaimingNormal(fan: shape.patchCount)
        case .kaimingNormalFanOut: .kaimingNormal(fan: shape.kernel * shape.kernel * shape.outputChannels)
        }
    }

    func classifierWeight(dimension: Int) -> Initializer {
        switch initialization {
        case .torchDefault, .kaimingNormalFanOut: .torchDefault(fanIn: dimension)
        case .kaimingNormalFanIn: .kaimingNormal(fan: dimension)
        }
    }
}
