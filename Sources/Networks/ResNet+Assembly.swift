internal import Kernels

extension ConvBN {
    /// The unit of an architecture's convolution.
    convenience init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        _ architecture: ResidualArchitecture, appliesReLU: Bool, in store: ParameterStore
    ) {
        self.init(
            names, shape, architecture.convolutions, initializer: architecture.initializer(of: shape),
            appliesReLU: appliesReLU, in: store)
    }
}

extension ResidualBlock {
    /// The block of an architecture; it declares its parameters in `store` in PyTorch's order.
    convenience init(
        _ block: ResidualArchitecture.Block, _ architecture: ResidualArchitecture, in store: ParameterStore
    ) {
        let units = block.convolutions.enumerated().map { index, shape in
            ConvBN(
                ("\(block.name).conv\(index + 1)", "\(block.name).bn\(index + 1)"), shape, architecture,
                appliesReLU: true, in: store)
        }
        guard let shape = block.shortcut else {
            self.init(units: units, shortcut: .identity)
            return
        }
        switch architecture.shortcut {
        case .subsampling:
            self.init(units: units, shortcut: .subsampling(shape))
        case .projection(let name):
            let unit = ConvBN(
                ("\(block.name).\(name).0", "\(block.name).\(name).1"), shape, architecture,
                appliesReLU: false, in: store)
            self.init(units: units, shortcut: .projection(unit))
        }
    }
}
