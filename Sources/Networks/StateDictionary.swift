public import Kernels

extension ParameterStore {
    /// Overwrites `elements` with those of a parameter or statistic in PyTorch's order.
    public func copyElements(of entry: TensorEntry, to elements: inout MutableSpan<Float>) {
        switch entry.role {
        case .parameter: entry.copyElements(in: values, to: &elements)
        case .statistic: entry.copyElements(in: statistics, to: &elements)
        case .batchCount: elements[0] = Float(batchCount)
        }
    }

    /// The elements of a parameter or statistic in PyTorch's order.
    public func elements(of entry: TensorEntry) -> [Float] {
        switch entry.role {
        case .parameter: entry.elements(in: values)
        case .statistic: entry.elements(in: statistics)
        case .batchCount: [Float(batchCount)]
        }
    }

    /// The gradient of a parameter in PyTorch's order.
    public func gradientElements(of entry: TensorEntry) -> [Float] {
        precondition(entry.role == .parameter, "\(entry.name) has no gradient")
        return entry.elements(in: gradients)
    }

    /// Overwrites a parameter or statistic with `elements`, given in PyTorch's order.
    public func setElements(of entry: TensorEntry, to elements: [Float]) {
        precondition(
            elements.count == entry.count, "\(elements.count) elements for \(entry.name) of \(entry.count)")
        switch entry.role {
        case .parameter: entry.setElements(in: &values, to: elements)
        case .statistic: entry.setElements(in: &statistics, to: elements)
        case .batchCount: batchCount = Int(elements[0])
        }
    }

    /// The elements in PyTorch's order of a parameter's place in `buffer`, which is laid out as `values`.
    public func elements(of entry: TensorEntry, in buffer: borrowing Buffer<Float>) -> [Float] {
        precondition(entry.role == .parameter, "\(entry.name) is no parameter")
        return entry.elements(in: buffer)
    }

    /// Overwrites a parameter's place in `buffer`, which is laid out as `values`.
    public func setElements(
        of entry: TensorEntry, in buffer: inout Buffer<Float>, to elements: [Float]
    ) {
        precondition(entry.role == .parameter, "\(entry.name) is no parameter")
        entry.setElements(in: &buffer, to: elements)
    }
}

extension TensorEntry {
    /// The elements in PyTorch's order of this tensor's place in `buffer`, which is laid out as the buffer that the tensor lies in.
    public func elements(in buffer: borrowing Buffer<Float>) -> [Float] {
        var elements = [Float](repeating: 0, count: count)
        var span = elements.mutableSpan
        copyElements(in: buffer, to: &span)
        return elements
    }

    /// As `elements(in:)`, over `elements`.
    public func copyElements(in buffer: borrowing Buffer<Float>, to elements: inout MutableSpan<Float>) {
        precondition(elements.count == count, "\(elements.count) elements for \(name) of \(count)")
        let span = buffer.span
        forEachPlace { torch, own in elements[torch] = span[own] }
    }

    /// Overwrites this tensor's place in `buffer` with `elements`, given in PyTorch's order.
    fileprivate func setElements(in buffer: inout Buffer<Float>, to elements: [Float]) {
        var span = buffer.mutableSpan
        forEachPlace { torch, own in span[own] = elements[torch] }
    }

    /// Calls `body` with each element's index in PyTorch's order and its index in the buffer.
    @inline(__always)
    private func forEachPlace(_ body: (_ torch: Int, _ own: Int) -> Void) {
        let first = range.lowerBound
        guard layout == .convolution else {
            for i in 0..<count { body(i, first + i) }
            return
        }
        let (outputs, inputs) = (shape[0], shape[1])
        let positions = shape[2] * shape[3]
        // Four outputs at a time, since their rows lie powers of two apart and more would not stay in the first cache together (6 ns
        // an element with sixteen); four times in a row for the same inputs, which is a whole cache line here.
        for start in stride(from: 0, to: outputs, by: 16) {
            for firstInput in stride(from: 0, to: inputs, by: 64) {
                for quarter in stride(from: start, to: min(start + 16, outputs), by: 4) {
                    for c in firstInput..<min(firstInput + 64, inputs) {
                        for position in 0..<positions {
                            let own = first + (position * inputs + c) * outputs
                            for k in quarter..<min(quarter + 4, outputs) {
                                body((k * inputs + c) * positions + position, own + k)
                            }
                        }
                    }
                }
            }
        }
    }
}
