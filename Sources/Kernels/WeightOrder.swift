/// A convolution's weights in PyTorch's order, `[K, C, P]` of K outputs, C inputs and P taps, and in ours, `[P, C, K]`.
public struct WeightOrder: Equatable, Sendable {
    public let outputs: Int
    public let inputs: Int
    public let taps: Int

    public init(outputs: Int, inputs: Int, taps: Int) {
        self.outputs = outputs
        self.inputs = inputs
        self.taps = taps
    }

    public var count: Int { outputs * inputs * taps }

    /// Overwrites `own` with `torch`.
    public func arrange(_ torch: Span<Float>, into own: inout MutableSpan<Float>) {
        precondition(torch.count == count && own.count == count, "\(torch.count), \(own.count) of \(count)")
        guard isSquareable else { return forEachPlace { own[$1] = torch[$0] } }
        forEachSquare { output, column in
            let square = transposed(
                InlineArray { torch.vector(at: (output + $0) * columns + column) })
            for i in 0..<vectorWidth { own.store(square[i], at: row(of: column + i) + output) }
        }
    }

    /// Overwrites `torch` with `own`.
    public func restore(_ own: Span<Float>, into torch: inout MutableSpan<Float>) {
        precondition(torch.count == count && own.count == count, "\(torch.count), \(own.count) of \(count)")
        guard isSquareable else { return forEachPlace { torch[$0] = own[$1] } }
        forEachSquare { output, column in
            let square = transposed(InlineArray { own.vector(at: row(of: column + $0) + output) })
            for i in 0..<vectorWidth { torch.store(square[i], at: (output + i) * columns + column) }
        }
    }

    /// PyTorch's `C · P` numbers of an output.
    private var columns: Int { inputs * taps }

    /// Whether squares of sixteen by sixteen cover all; not so where an image's three channels come in.
    private var isSquareable: Bool {
        outputs.isMultiple(of: vectorWidth) && columns.isMultiple(of: vectorWidth)
    }

    /// Where our row of PyTorch's column begins.
    @inline(__always)
    private func row(of column: Int) -> Int {
        let (input, tap) = column.quotientAndRemainder(dividingBy: taps)
        return (tap * inputs + input) * outputs
    }

    /// Along PyTorch's rows, sixteen at a time, whose numbers come a cache line each.
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
