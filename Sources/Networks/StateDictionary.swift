internal import Kernels
package import Memory

extension ParameterStore {
    /// Overwrites `elements` with those of a parameter or statistic in PyTorch's order.
    package func copyElements(of entry: TensorEntry, to elements: inout MutableSpan<Float>) {
        switch entry.role {
        case .parameter: entry.copyElements(in: values, to: &elements)
        case .statistic: entry.copyElements(in: statistics, to: &elements)
        case .batchCount: elements[0] = Float(batchCount)
        }
    }

    /// The elements of a parameter or statistic in PyTorch's order.
    package func elements(of entry: TensorEntry) -> [Float] {
        switch entry.role {
        case .parameter: entry.elements(in: values)
        case .statistic: entry.elements(in: statistics)
        case .batchCount: [Float(batchCount)]
        }
    }

    /// The gradient of a parameter in PyTorch's order.
    package func gradientElements(of entry: TensorEntry) -> [Float] {
        precondition(entry.role == .parameter, "\(entry.name) has no gradient")
        return entry.elements(in: gradients)
    }

    /// Overwrites a parameter or statistic with `elements`, given in PyTorch's order.
    package func setElements(of entry: TensorEntry, to elements: [Float]) {
        precondition(
            elements.count == entry.count, "\(elements.count) elements for \(entry.name) of \(entry.count)")
        switch entry.role {
        case .parameter: entry.setElements(in: &values, to: elements)
        case .statistic: entry.setElements(in: &statistics, to: elements)
        case .batchCount: batchCount = Int(elements[0])
        }
    }
}

extension TensorEntry {
    /// The elements, in PyTorch's order, of this tensor in `buffer`, which is laid out like the
    /// buffer that stores the tensor.
    package func elements(in buffer: borrowing Buffer<Float>) -> [Float] {
        var elements = [Float](repeating: 0, count: count)
        var span = elements.mutableSpan
        copyElements(in: buffer, to: &span)
        return elements
    }

    /// `elements(in:)`, written to `elements`.
    package func copyElements(in buffer: borrowing Buffer<Float>, to elements: inout MutableSpan<Float>) {
        precondition(elements.count == count, "\(elements.count) elements for \(name) of \(count)")
        let own = buffer.span.extracting(range)
        guard let weightOrder else {
            for i in 0..<count { elements[i] = own[i] }
            return
        }
        weightOrder.restore(own, into: &elements)
    }

    /// Overwrites this tensor in `buffer` with `elements`, given in PyTorch's order.
    package func setElements(in buffer: inout Buffer<Float>, to elements: [Float]) {
        var whole = buffer.mutableSpan
        var own = whole.part(range)
        guard let weightOrder else {
            for i in 0..<count { own[i] = elements[i] }
            return
        }
        weightOrder.arrange(elements.span, into: &own)
    }

    /// `nil` if the memory layout is PyTorch's.
    private var weightOrder: WeightOrder? {
        guard layout == .convolution else { return nil }
        return WeightOrder(outputs: shape[0], inputs: shape[1], taps: shape[2] * shape[3])
    }
}
