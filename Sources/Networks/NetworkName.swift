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
    /// torchvision's ResNet-18 with a blur before convolutions of stride 2 (arXiv 1904.11486), as in
    /// FFCV's recipes for ImageNet.
    case resnet18BlurPool = "resnet18_blurpool"
    /// torchvision's ResNet-50, blurred likewise.
    case resnet50BlurPool = "resnet50_blurpool"
    /// The CIFAR networks of arXiv 1512.03385, section 4.2, with 16, 32 and 64 channels and
    /// option-A shortcuts.
    case resnet20, resnet32, resnet44, resnet56
    /// WideResNet-28-10 for 32×32 images (arXiv 1605.07146).
    case wideResNet28x10 = "wideresnet28_10"
    /// WideResNet-40-2, likewise.
    case wideResNet40x2 = "wideresnet40_2"

    /// Height and width of the images that the network is made for, in pixels.
    public var imageSize: Int {
        switch self {
        case .resnet18At224, .resnet34, .resnet50, .resnet101, .resnet18BlurPool, .resnet50BlurPool: 224
        case .resnet18At32, .resnet20, .resnet32, .resnet44, .resnet56, .wideResNet28x10,
            .wideResNet40x2:
            32
        }
    }

    /// Whether the network takes images of `size` pixels a side: those made for 224×224 images any
    /// multiple of 32, the others their own size.
    package func takes(imageSize size: Int) -> Bool {
        imageSize == 224 ? size >= 32 && size.isMultiple(of: 32) : size == imageSize
    }

    /// The sizes that `takes(imageSize:)` accepts, in words.
    package var imageSizes: String {
        imageSize == 224
            ? "a multiple of 32, as \(rawValue) halves its images five times"
            : "\(imageSize), the size of the images of \(rawValue)"
    }

    /// Every convolution, for images of the network's own size, in the order of the state
    /// dictionary.
    package var convolutionShapes: [ConvolutionShape] { convolutionShapes(imageSize: imageSize) }

    /// Every convolution, for images of `imageSize` pixels a side.
    package func convolutionShapes(imageSize: Int) -> [ConvolutionShape] {
        backbone.graph(imageSize: imageSize).convolutionShapes
    }

    /// The layers behind the name.
    var backbone: any Backbone {
        switch self {
        case .resnet18At32: ResidualNetwork.openOODResNet18
        case .resnet20: ResidualNetwork.smallCIFAR(depth: 3)
        case .resnet32: ResidualNetwork.smallCIFAR(depth: 5)
        case .resnet44: ResidualNetwork.smallCIFAR(depth: 7)
        case .resnet56: ResidualNetwork.smallCIFAR(depth: 9)
        case .resnet18At224: ResidualNetwork.torchvision(.basic, depths: [2, 2, 2, 2])
        case .resnet34: ResidualNetwork.torchvision(.basic, depths: [3, 4, 6, 3])
        case .resnet50: ResidualNetwork.torchvision(.bottleneck, depths: [3, 4, 6, 3])
        case .resnet101: ResidualNetwork.torchvision(.bottleneck, depths: [3, 4, 23, 3])
        case .resnet18BlurPool: ResidualNetwork.torchvision(.basic, depths: [2, 2, 2, 2], blurs: true)
        case .resnet50BlurPool: ResidualNetwork.torchvision(.bottleneck, depths: [3, 4, 6, 3], blurs: true)
        case .wideResNet28x10: WideResNet(depth: 4, width: 10)
        case .wideResNet40x2: WideResNet(depth: 6, width: 2)
        }
    }
}
