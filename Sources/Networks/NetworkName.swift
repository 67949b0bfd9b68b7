internal import Kernels

/// The networks that can be asked for by name.
public enum NetworkName: String, CaseIterable, Codable, Sendable {
    /// OpenOOD's ResNet-18 for 32×32 images: a 3×3 stem without max-pooling, projections as shortcuts.
    case resnet18At32 = "resnet18_32x32"
    /// The CIFAR networks of arXiv 1512.03385, section 4.2, with 16, 32 and 64 channels and option-A shortcuts.
    case resnet20, resnet32, resnet44, resnet56

    /// The architecture behind the name.
    var architecture: ResidualArchitecture {
        switch self {
        case .resnet18At32:
            ResidualArchitecture(
                widths: [64, 128, 256, 512], blocks: [2, 2, 2, 2], shortcut: .projection,
                initialization: .torchDefault, classifierName: "fc")
        case .resnet20: .smallCIFAR(blocks: 3)
        case .resnet32: .smallCIFAR(blocks: 5)
        case .resnet44: .smallCIFAR(blocks: 7)
        case .resnet56: .smallCIFAR(blocks: 9)
        }
    }
}

/// What tells one residual network for 32×32 images from another.
struct ResidualArchitecture: Sendable {
    enum ShortcutKind: Sendable { case projection, subsampling }
    enum Initialization: Sendable { case torchDefault, kaimingNormal }

    /// Channels of each stage; the stem has those of the first. Every stage but the first halves the image.
    let widths: [Int]
    /// Basic blocks in each stage.
    let blocks: [Int]
    let shortcut: ShortcutKind
    let initialization: Initialization
    /// Name of the last layer in the state dictionary.
    let classifierName: String

    let imageSize = 32
    let imageChannels = 3

    /// ResNet-(6n + 2) of arXiv 1512.03385, section 4.2.
    static func smallCIFAR(blocks: Int) -> ResidualArchitecture {
        ResidualArchitecture(
            widths: [16, 32, 64], blocks: [blocks, blocks, blocks], shortcut: .subsampling,
            initialization: .kaimingNormal, classifierName: "linear")
    }

    func convolution(_ shape: ConvolutionShape) -> Initializer {
        let fanIn = shape.patchCount
        return initialization == .torchDefault ? .torchDefault(fanIn: fanIn) : .kaimingNormal(fan: fanIn)
    }

    func classifierWeight(dimension: Int) -> Initializer {
        initialization == .torchDefault ? .torchDefault(fanIn: dimension) : .kaimingNormal(fan: dimension)
    }
}
