/// Converts a convolution's weights between PyTorch's order, `[K, C, P]` for K outputs, C inputs
/// and P taps, and ours, `[P, C, K]`.
package struct WeightOrder: Equatable, Sendable {
    package let outputs: Int
    package let inputs: Int
    package let taps: Int

    package init(outputs: Int, inputs: Int, taps: Int) {
        self.outputs = outputs
        self.inputs = inputs
        self.taps = taps
    }

    package var count: Int { outputs * inputs * taps }

    /// Overwrites `own` with `torch`, reordered.
    package func arrange(_ torch: Span<Float>, into own: inout MutableSpan<Float>) {
        precondition(
            torch.count == count && own.count == count,
            "\(torch.count) and \(own.count) weights, expected \(count)")
        guard isSquareable else { return forEachPlace { own[$1] = torch[$0] } }
        forEachSquare { output, column in
            let square = transposed(
                InlineArray { torch.vector(at: (output + $0) * columns + column) })
            for i in 0..<vectorWidth { own.store(square[i], at: row(of: column + i) + output) }
        }
    }

    /// Overwrites `torch` with `own`, reordered.
    package func restore(_ own: Span<Float>, into torch: inout MutableSpan<Float>) {
        precondition(
            torch.count == count && own.count == count,
            "\(torch.count) and \(own.count) weights, expected \(count)")
        guard isSquareable else { return forEachPlace { torch[$0] = own[$1] } }
        forEachSquare { output, column in
            let square = transposed(InlineArray { own.vector(at: row(of: column + $0) + output) })
            for i in 0..<vectorWidth { torch.store(square[i], at: (output + i) * columns + column) }
        }
    }

    /// PyTorch's `C · P` weights per output.
    private var columns: Int { inputs * taps }

    /// Whether 16×16 squares cover all weights; false for the three input channels of an image.
    private var isSquareable: Bool {
        outputs.isMultiple(of: vectorWidth) && columns.isMultiple(of: vectorWidth)
    }

    /// Index of our row that holds PyTorch's column.
    @inline(__always)
    private func row(of column: Int) -> Int {
        let (input, tap) = column.quotientAndRemainder(dividingBy: taps)
        return (tap * inputs + input) * outputs
    }

    /// Runs along PyTorch's rows, sixteen at a time, one cache line of each.
    @inline(__always)
    private func forEachSquare(_ body: (_ output: Int, _ column: Int) -> Void) {
        for output in stride(from: 0, to: outputs, by: vectorWidth) {
            for column in stride(from: 0, to: columns, by: vectorWidth) { body(output, column) }
        }
    }

    @inline(__always)
    private func forEachPlace(_ body: (_ torch: Int, _ own: Int) -> Void) {
        for output in 0..<outputs {
            for column in 0..<columns { body(output * columns + column, row(of: column) + output) }
        }
    }
}
