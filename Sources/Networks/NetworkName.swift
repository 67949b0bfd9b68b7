package import Kernels

/// The networks that a configuration can name, each with its name there as raw value.
///
/// Source: He, Zhang, Ren, Sun: "Deep residual learning for image recognition", 2015, arXiv
/// 1512.03385, with the differences that a case names.
public enum NetworkName: String, CaseIterable, Codable, Sendable {
    /// OpenOOD's ResNet-18 for 32×32 images: a 3×3 stem without max-pooling, projections as
    /// shortcuts.
    case resnet18At32 = "resnet18_32x32"
    /// torchvision's ResNet-18 for 224×224 images: a 7×7 stem with max-pooling.
    case resnet18At224 = "resnet18_224x224"
    /// torchvision's other networks for 224×224 images; bottlenecks have their stride on the 3×3
    /// ("v1.5").
    case resnet34, resnet50, resnet101
    /// The CIFAR networks of arXiv 1512.03385, section 4.2, with 16, 32 and 64 channels and
    /// option-A shortcuts.
    case resnet20, resnet32, resnet44, resnet56

    /// Height and width of the images that the network is made for, in pixels.
    public var imageSize: Int {
        switch self {
        case .resnet18At224, .resnet34, .resnet50, .resnet101: 224
        case .resnet18At32, .resnet20, .resnet32, .resnet44, .resnet56: 32
        }
    }

    /// Every convolution, for images of the network's own size, in the order of the state
    /// dictionary.
    package var convolutionShapes: [ConvolutionShape] {
        architecture(imageSize: imageSize).convolutionShapes
    }

    /// The architecture behind the name, for images of `imageSize`.
    func architecture(imageSize: Int) -> ResidualArchitecture {
        switch self {
        case .resnet18At32:
            ResidualArchitecture(
                imageSize: imageSize, stem: .plain, widths: [64, 128, 256, 512], depths: [2, 2, 2, 2],
                block: .basic, shortcut: .projection(name: "shortcut"), initialization: .torchDefault,
                classifierName: "fc")
        case .resnet20: .smallCIFAR(depth: 3, imageSize: imageSize)
        case .resnet32: .smallCIFAR(depth: 5, imageSize: imageSize)
        case .resnet44: .smallCIFAR(depth: 7, imageSize: imageSize)
        case .resnet56: .smallCIFAR(depth: 9, imageSize: imageSize)
        case .resnet18At224: .torchvision(.basic, depths: [2, 2, 2, 2], imageSize: imageSize)
        case .resnet34: .torchvision(.basic, depths: [3, 4, 6, 3], imageSize: imageSize)
        case .resnet50: .torchvision(.bottleneck, depths: [3, 4, 6, 3], imageSize: imageSize)
        case .resnet101: .torchvision(.bottleneck, depths: [3, 4, 23, 3], imageSize: imageSize)
        }
    }
}

extension ResidualArchitecture {
    /// ResNet-(6·depth + 2) of arXiv 1512.03385, section 4.2.
    fileprivate static func smallCIFAR(depth: Int, imageSize: Int) -> ResidualArchitecture {
        ResidualArchitecture(
            imageSize: imageSize, stem: .plain, widths: [16, 32, 64], depths: [depth, depth, depth],
            block: .basic, shortcut: .subsampling, initialization: .kaimingNormalFanIn,
            classifierName: "linear")
    }

    /// The networks of arXiv 1512.03385, table 1, as in torchvision.
    fileprivate static func torchvision(
        _ block: BlockKind, depths: [Int], imageSize: Int
    ) -> ResidualArchitecture {
        ResidualArchitecture(
            imageSize: imageSize, stem: .pooled, widths: [64, 128, 256, 512], depths: depths, block: block,
            shortcut: .projection(name: "downsample"), initialization: .kaimingNormalFanOut,
            classifierName: "fc")
    }
}
