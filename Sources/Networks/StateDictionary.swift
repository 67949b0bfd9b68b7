public import Kernels

extension ParameterStore {
    /// The elements of a parameter or statistic in PyTorch's order.
    public func elements(of entry: TensorEntry) -> [Float] {
        switch entry.role {
        case .parameter: inTorchOrder(values, entry)
        case .statistic: inTorchOrder(statistics, entry)
        case .batchCount: [Float(batchCount)]
        }
    }

    /// The gradient of a parameter in PyTorch's order.
    public func gradientElements(of entry: TensorEntry) -> [Float] {
        precondition(entry.role == .parameter, "\(entry.name) has no gradient")
        return inTorchOrder(gradients, entry)
    }

    /// Overwrites a parameter or statistic with `elements`, given in PyTorch's order.
    public func setElements(of entry: TensorEntry, to elements: [Float]) {
        precondition(
            elements.count == entry.count, "\(elements.count) elements for \(entry.name) of \(entry.count)")
        switch entry.role {
        case .parameter: setFromTorchOrder(&values, entry, elements)
        case .statistic: setFromTorchOrder(&statistics, entry, elements)
        case .batchCount: batchCount = Int(elements[0])
        }
    }

    /// The elements in PyTorch's order of a parameter's place in `buffer`, which is laid out as `values`.
    public func elements(of entry: TensorEntry, in buffer: borrowing Buffer<Float>) -> [Float] {
        precondition(entry.role == .parameter, "\(entry.name) is no parameter")
        return inTorchOrder(buffer, entry)
    }

    /// Overwrites a parameter's place in `buffer`, which is laid out as `values`.
    public func setElements(
        of entry: TensorEntry, in buffer: inout Buffer<Float>, to elements: [Float]
    ) {
        precondition(entry.role == .parameter, "\(entry.name) is no parameter")
        setFromTorchOrder(&buffer, entry, elements)
    }

    private func inTorchOrder(_ buffer: borrowing Buffer<Float>, _ entry: TensorEntry) -> [Float] {
        let span = buffer.span
        var elements = [Float](repeating: 0, count: entry.count)
        forEachPlace(of: entry) { torch, own in elements[torch] = span[own] }
        return elements
    }

    private func setFromTorchOrder(
        _ buffer: inout Buffer<Float>, _ entry: TensorEntry, _ elements: [Float]
    ) {
        var span = buffer.mutableSpan
        forEachPlace(of: entry) { torch, own in span[own] = elements[torch] }
    }

    /// Calls `body` with each element's index in PyTorch's order and its index here.
    private func forEachPlace(of entry: TensorEntry, _ body: (_ torch: Int, _ own: Int) -> Void) {
        let first = entry.range.lowerBound
        guard entry.layout == .convolution else {
            for i in 0..<entry.count { body(i, first + i) }
            return
        }
        let (outputs, inputs) = (entry.shape[0], entry.shape[1])
        let positions = entry.shape[2] * entry.shape[3]
        // Sixteen outputs at a time: a whole cache line here, and as many rows there that are read on.
        for start in stride(from: 0, to: outputs, by: 16) {
            for c in 0..<inputs {
                for position in 0..<positions {
                    let own = first + (position * inputs + c) * outputs
                    for k in start..<min(start + 16, outputs) {
                        body((k * inputs + c) * positions + position, own + k)
                    }
                }
            }
        }
    }
}
