public import Kernels
internal import Workers

/// How a tensor lies in memory, and so how it maps to PyTorch's order.
public enum TensorLayout: String, Codable, Sendable {
    /// As PyTorch's.
    case plain
    /// `[R, S, C, K]` here, `[K, C, R, S]` in PyTorch.
    case convolution
}

/// One tensor of the state dictionary: its name, PyTorch's shape, and where it lies in its store.
public struct TensorEntry: Equatable, Sendable {
    /// What becomes of a tensor during training.
    public enum Role: String, Codable, Sendable {
        /// Changed by the optimiser; lies in `values`.
        case parameter
        /// Followed by batch norm; lies in `statistics`.
        case statistic
        /// PyTorch's count of batches, the same for all layers; lies nowhere.
        case batchCount
    }

    public let name: String
    /// PyTorch's shape.
    public let shape: [Int]
    public let role: Role
    public let layout: TensorLayout
    /// The elements in `values` and `gradients`, or in `statistics`.
    public let range: Range<Int>

    public var count: Int { shape.reduce(1, *) }
}

/// All parameters of a network, their gradients and the running statistics, each kind in one buffer.
public final class ParameterStore {
    /// The tensors in PyTorch's state-dictionary order.
    public private(set) var entries: [TensorEntry] = []
    /// All parameters, one behind the other.
    public var values = Buffer<Float>(zeros: 0)
    /// The gradient of each parameter, at the parameter's place; empty before the first backward pass.
    public var gradients = Buffer<Float>(zeros: 0)
    /// Running means and variances.
    public var statistics = Buffer<Float>(zeros: 0)
    /// Training passes that the running statistics have followed.
    public var batchCount = 0

    /// Gradients of a step's earlier parts: at level l the sum over 2ˡ of them; shape `[levels, parameters]`.
    private var partSums = Buffer<Float>(zeros: 0)
    private var initializers: [Initializer] = []
    private var valueCount = 0
    private var statisticCount = 0

    init() {}

    /// Declares a parameter; its place is fixed, its memory comes with `allocate()`.
    func parameter(
        _ name: String, shape: [Int], layout: TensorLayout = .plain, _ initializer: Initializer
    ) -> Range<Int> {
        let range = valueCount..<valueCount + shape.reduce(1, *)
        valueCount = range.upperBound
        add(
            TensorEntry(name: name, shape: shape, role: .parameter, layout: layout, range: range), initializer
        )
        return range
    }

    /// Declares a running statistic.
    func statistic(_ name: String, count: Int, _ initializer: Initializer) -> Range<Int> {
        let range = statisticCount..<statisticCount + count
        statisticCount = range.upperBound
        add(
            TensorEntry(name: name, shape: [count], role: .statistic, layout: .plain, range: range),
            initializer)
        return range
    }

    /// Declares PyTorch's `num_batches_tracked`.
    func batchCounter(_ name: String) {
        add(TensorEntry(name: name, shape: [], role: .batchCount, layout: .plain, range: 0..<0), .constant(0))
    }

    private func add(_ entry: TensorEntry, _ initializer: Initializer) {
        entries.append(entry)
        initializers.append(initializer)
    }

    /// Makes room for all that was declared, but for gradients, which only training has.
    func allocate() {
        values = Buffer(zeros: valueCount)
        statistics = Buffer(zeros: statisticCount)
    }

    /// Makes room for the gradients of a pass, if there is none.
    func reserveGradients(_ pass: Pass) {
        gradients.reserve(valueCount)
        partSums.reserve(pass.placement.partCount.trailingZeroBitCount * valueCount)
    }

    /// Takes note that a backward pass has set the gradients `range` for good.
    ///
    /// In a step of several parts they are summed with those of earlier ones by the lane tree, whose node over the rank's lanes has
    /// the parts as its leaves: part j closes as many pairs as j has ones at its end. With the last part they are handed on.
    func complete(_ range: Range<Int>, _ pass: Pass) {
        let part = pass.placement.part
        for level in 0..<(~part).trailingZeroBitCount {
            add(partSums, level: level, to: &gradients, range, pass)
        }
        if pass.placement.isLastPart {
            pass.gradientsReady(range)
        } else {
            keep(gradients, range, in: &partSums, level: (~part).trailingZeroBitCount)
        }
    }

    private func add(
        _ sums: borrowing Buffer<Float>, level: Int, to gradients: inout Buffer<Float>, _ range: Range<Int>,
        _ pass: Pass
    ) {
        let start = level * valueCount
        let earlier = sums.span.extracting(start + range.lowerBound..<start + range.upperBound)
        var whole = gradients.mutableSpan
        var own = whole.part(range)
        addEarlier(earlier, to: &own, on: pass.pool)
    }

    private func keep(
        _ gradients: borrowing Buffer<Float>, _ range: Range<Int>, in sums: inout Buffer<Float>, level: Int
    ) {
        let gradients = gradients.span
        var sums = sums.mutableSpan
        for i in range { sums[level * valueCount + i] = gradients[i] }
    }

    /// Sets every tensor to what PyTorch's initialisation draws it from.
    ///
    /// Tensor `t` is drawn from the stream (seed; initialization, t) in PyTorch's element order.
    public func initialize(seed: UInt64) {
        for (index, entry) in entries.enumerated() where entry.role != .batchCount {
            var stream = RandomStream(seed: seed, purpose: .initialization, index)
            setElements(of: entry, to: initializers[index].draw(entry.count, from: &stream))
        }
        batchCount = 0
    }

    /// The number of trained numbers.
    public var parameterCount: Int { valueCount }
}
