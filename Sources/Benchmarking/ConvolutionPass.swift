/// One of the three passes of a convolution.
package enum ConvolutionPass: String, CaseIterable, Codable {
    case forward, inputGradient, weightGradient

    /// The name in words.
    package var title: String {
        switch self {
        case .forward: "forward"
        case .inputGradient: "input gradient"
        case .weightGradient: "weight gradient"
        }
    }
}
