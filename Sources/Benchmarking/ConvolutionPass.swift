package import Kernels

extension ConvolutionPass {
    /// The name in words.
    package var title: String {
        switch self {
        case .forward: "forward"
        case .inputGradient: "input gradient"
        case .weightGradient: "weight gradient"
        }
    }
}
