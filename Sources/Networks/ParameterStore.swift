internal import Kernels
package import Memory
internal import Numerics

/// Memory layout of a tensor, which determines how it maps to PyTorch's order.
package enum TensorLayout: String, Codable, Sendable {
    /// As in PyTorch.
    case plain
    /// `[R, S, C, K]` here, `[K, C, R, S]` in PyTorch.
    case convolution
}

/// One tensor of the state dictionary: its name, PyTorch's shape, and its range in the store.
package struct TensorEntry: Equatable, Sendable {
    /// How a tensor is used in training.
    package enum Role: String, Codable, Sendable {
        /// Updated by the optimiser; stored in `values`.
        case parameter
        /// Updated by batch norm; stored in `statistics`.
        case statistic
        /// PyTorch's count of batches, the same for all layers; not stored in a buffer.
        case batchCount
    }

    /// What a parameter is, by which optimisers treat it differently.
    package enum Kind: String, CaseIterable, Codable, Sendable {
        /// The weights of a convolution or a linear layer.
        case weight
        /// Scale or shift of a normalisation.
        case norm
        /// The bias of a linear layer.
        case bias
    }

    package let name: String
    /// PyTorch's shape.
    package let shape: [Int]
    package let role: Role
    package let layout: TensorLayout
    /// The elements in `values` and `gradients`, or in `statistics`.
    package let range: Range<Int>
    /// Without meaning for a tensor that is no parameter.
    package var kind = Kind.weight

    package var count: Int { shape.reduce(1, *) }

    /// The tensor in a buffer in which it lies `offset` elements behind its place here.
    package func moved(by offset: Int) -> TensorEntry {
        TensorEntry(
            name: name, shape: shape, role: role, layout: layout,
            range: range.lowerBound + offset..<range.upperBound + offset, kind: kind)
    }
}

/// All parameters of a network, their gradients and the running statistics, each kind in one
/// buffer.
package final class ParameterStore {
    /// The tensors in PyTorch's state-dictionary order.
    package private(set) var entries: [TensorEntry] = []
    /// All parameters, concatenated.
    package var values = Buffer<Float>(zeros: 0)
    /// The gradient of each parameter, in the parameter's range; empty before the first backward
    /// pass.
    package var gradients = Buffer<Float>(zeros: 0)
    /// Running means and variances.
    package var statistics = Buffer<Float>(zeros: 0)
    /// Training passes that have updated the running statistics.
    package var batchCount = 0

    /// Gradients of earlier accumulation steps: at level l the sum over 2ˡ of them; shape
    /// `[levels, parameters]`.
    private var accumulatedGradients = Buffer<Float>(zeros: 0)
    private var initializers: [Initializer] = []
    /// The ranges of the parameters that training changes; `nil` for all.
    private var trained: [Range<Int>]?
    private var valueCount = 0
    private var statisticCount = 0

    init() {}

    /// Declares a parameter and fixes its range; `allocate()` allocates its memory.
    ///
    /// The layers for images of another size declare the same parameters again and share them.
    func parameter(
        _ name: String, shape: [Int], layout: TensorLayout = .plain, kind: TensorEntry.Kind = .weight,
        _ initializer: Initializer
    ) -> Range<Int> {
        if let range = knownRange(name, shape) { return range }
        let range = valueCount..<valueCount + shape.reduce(1, *)
        valueCount = range.upperBound
        add(
            TensorEntry(
                name: name, shape: shape, role: .parameter, layout: layout, range: range, kind: kind),
            initializer)
        return range
    }

    /// Declares a running statistic.
    func statistic(_ name: String, count: Int, _ initializer: Initializer) -> Range<Int> {
        if let range = knownRange(name, [count]) { return range }
        let range = statisticCount..<statisticCount + count
        statisticCount = range.upperBound
        add(
            TensorEntry(name: name, shape: [count], role: .statistic, layout: .plain, range: range),
            initializer)
        return range
    }

    /// Declares PyTorch's `num_batches_tracked`.
    func batchCounter(_ name: String) {
        guard knownRange(name, []) == nil else { return }
        add(TensorEntry(name: name, shape: [], role: .batchCount, layout: .plain, range: 0..<0), .constant(0))
    }

    private func knownRange(_ name: String, _ shape: [Int]) -> Range<Int>? {
        guard let known = entries.first(where: { $0.name == name }) else { return nil }
        precondition(known.shape == shape, "\(name) has the shapes \(known.shape) and \(shape)")
        return known.range
    }

    private func add(_ entry: TensorEntry, _ initializer: Initializer) {
        entries.append(entry)
        initializers.append(initializer)
    }

    /// Allocates all declared tensors except gradients, which only training needs.
    func allocate() {
        values = Buffer(zeros: valueCount)
        statistics = Buffer(zeros: statisticCount)
    }

    /// Allocates the gradients of a pass, if they are not yet allocated.
    func reserveGradients(_ context: StepContext) {
        gradients.reserve(valueCount)
        accumulatedGradients.reserve(context.placement.accumulationSteps.trailingZeroBitCount * valueCount)
    }

    /// Marks the gradients in `range` as final for this backward pass; does nothing for parameters
    /// that are not trained.
    ///
    /// With gradient accumulation they are summed with those of earlier accumulation steps by the
    /// reduction tree, in which the accumulation steps are the leaves below the rank's node: after
    /// step j, merge as many levels of the tree as j has trailing ones (binary-counter summation).
    /// After the last step `gradientsReady` receives the range.
    func complete(_ range: Range<Int>, _ context: StepContext) {
        guard isTrained(range) else { return }
        let step = context.placement.accumulationStep
        for level in 0..<(~step).trailingZeroBitCount {
            let start = level * valueCount + range.lowerBound
            withSpans(accumulatedGradients, into: &gradients) {
                var own = $1.part(range)
                addEarlier($0.extracting(start..<start + range.count), to: &own, on: context.pool)
            }
        }
        if context.placement.isLastAccumulationStep {
            context.gradientsReady(range)
        } else {
            let start = (~step).trailingZeroBitCount * valueCount + range.lowerBound
            withSpans(gradients, into: &accumulatedGradients) {
                copy($0, from: range.lowerBound, count: range.count, into: &$1, at: start)
            }
        }
    }

    /// Draws every tensor from the distribution of PyTorch's initialisation.
    ///
    /// Tensor `t` is drawn from the stream (seed; initialization, t) in PyTorch's element order.
    package func initialize(seed: UInt64) {
        for (index, entry) in entries.enumerated() where entry.role != .batchCount {
            var stream = RandomStream(seed: seed, purpose: .initialization, index)
            setElements(of: entry, to: initializers[index].draw(entry.count, from: &stream))
        }
        batchCount = 0
    }

    /// The number of trained scalars.
    package var parameterCount: Int { valueCount }
}

// MARK: - Frozen parameters

extension ParameterStore {
    /// The parameters that training changes.
    package var trainedEntries: [TensorEntry] {
        entries.filter { $0.role == .parameter && isTrained($0.range) }
    }

    /// Trains only the parameters for which `isIncluded` holds; the others keep their values and get
    /// no gradients.
    func train(where isIncluded: (TensorEntry) -> Bool) {
        trained = entries.filter { $0.role == .parameter && isIncluded($0) }.map(\.range)
    }

    /// Whether training changes a layer's parameters.
    func isTrained(_ range: Range<Int>) -> Bool {
        guard let trained else { return true }
        return trained.contains { $0.overlaps(range) }
    }
}
