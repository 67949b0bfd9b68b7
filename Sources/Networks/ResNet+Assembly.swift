internal import Kernels

extension ConvolutionUnit {
    /// The unit of an architecture's convolution.
    convenience init(
        _ names: (convolution: String, normalization: String), _ shape: ConvolutionShape,
        _ architecture: ResidualArchitecture, rectifies: Bool, in store: ParameterStore
    ) {
        self.init(
            names, shape, architecture.convolutions, initializer: architecture.initializer(of: shape),
            rectifies: rectifies, in: store)
    }
}

extension ResidualBlock {
    /// The block of an architecture; its parameters go to `store` in PyTorch's order.
    convenience init(
        _ block: ResidualArchitecture.Block, _ architecture: ResidualArchitecture, in store: ParameterStore
    ) {
        let units = block.convolutions.enumerated().map { index, shape in
            ConvolutionUnit(
                ("\(block.name).conv\(index + 1)", "\(block.name).bn\(index + 1)"), shape, architecture,
                rectifies: true, in: store)
        }
        guard let shape = block.shortcut else {
            self.init(units: units, shortcut: .identity)
            return
        }
        switch architecture.shortcut {
        case .subsampling:
            self.init(units: units, shortcut: .subsampling(shape))
        case .projection(let name):
            let unit = ConvolutionUnit(
                ("\(block.name).\(name).0", "\(block.name).\(name).1"), shape, architecture,
                rectifies: false, in: store)
            self.init(units: units, shortcut: .projection(unit))
        }
    }
}
