package import Checkpoints
package import Memory
package import Networks
package import Workers

/// Updates the parameters of a network by a rule, and averages them if wanted; owns the state of
/// both.
///
/// Each element depends on its own tensor alone, so neither ranks nor threads change a bit.
package struct Optimizer: ~Copyable {
    private let rule: any UpdateRule
    private let average: WeightAverage?
    private let tensors: [UpdatedTensor]
    /// Parts of tensors, which threads share.
    private let pieces: [(tensor: Int, range: Range<Int>)]
    /// Where the rule's slots lie in `slots`, and behind them the average's.
    package let layout: SlotLayout
    package internal(set) var slots: Buffer<Float>

    private static let pieceCount = 16_384

    /// - Parameters:
    ///   - weightDecay: λ of the tensors that have weight decay.
    ///   - undecayed: The kinds that have none; `nil` for those that are usual for the rule.
    ///   - store: Its values at this time are the first average.
    package init(
        _ rule: any UpdateRule, weightDecay: Float, undecayed: Set<TensorEntry.Kind>? = nil,
        average: WeightAverage? = nil, of store: ParameterStore
    ) {
        precondition(rule.slots.count <= 2, "\(rule.slots.count) slots, expected at most 2")
        let undecayed = undecayed ?? rule.undecayedKinds
        self.rule = rule
        self.average = average
        tensors = store.trainedEntries.map {
            UpdatedTensor(
                range: $0.range, kind: $0.kind, weightDecay: undecayed.contains($0.kind) ? 0 : weightDecay)
        }
        pieces = tensors.enumerated().flatMap { index, tensor in
            stride(from: tensor.range.lowerBound, to: tensor.range.upperBound, by: Self.pieceCount).map {
                (index, $0..<min($0 + Self.pieceCount, tensor.range.upperBound))
            }
        }
        layout = SlotLayout(Self.slots(rule, average), of: store)
        slots = Buffer(zeros: layout.count)
        if average != nil { addToAverage(store, share: 1, on: nil) }
    }

    /// The slots of the rule, and the average's.
    package static func slots(_ rule: any UpdateRule, _ average: WeightAverage?) -> [StateSlot] {
        rule.slots.map { StateSlot(name: $0) } + (average == nil ? [] : [.average])
    }

    /// Updates the parameters of `store` with its gradients.
    ///
    /// - Parameter number: The number of the update in the run, counted from 1.
    package mutating func update(
        _ store: ParameterStore, number: Int, learningRate: Double, on pool: WorkerPool
    ) {
        let (rule, pieces) = (rule, pieces)
        let factors = withSpans(store.values, store.gradients) {
            rule.rateFactors(of: tensors, values: $0, gradients: $1, on: pool)
        }
        let steps = zip(tensors, factors).map {
            UpdateStep(
                number: number, learningRate: Float(learningRate * $1), weightDecay: $0.weightDecay)
        }
        let (first, second) = (range(ofSlot: 0), range(ofSlot: 1))
        withSpans(store.gradients, into: &store.values, &slots) { gradients, values, slots in
            slots.withParts(first, second) { first, second in
                // The pieces are parts of tensors, which do not overlap.
                unsafe pool.share(&values, &first, &second, items: pieces.count, scratch: 0) {
                    item, values, first, second, _ in
                    let range = pieces[item].range
                    var own = values.part(range)
                    var ownFirst = first.part(first.isEmpty ? 0..<0 : range)
                    var ownSecond = second.part(second.isEmpty ? 0..<0 : range)
                    rule.update(
                        &own, gradient: gradients.extracting(range), &ownFirst, &ownSecond,
                        steps[pieces[item].tensor])
                }
            }
        }
        if let average { addToAverage(store, share: average.share(afterUpdate: number), on: pool) }
    }

    /// The elements of slot `index` of the rule; none if it has no such slot.
    private func range(ofSlot index: Int) -> Range<Int> {
        index < rule.slots.count ? layout.parameters(ofSlot: index) : 0..<0
    }
}

// MARK: - The average

extension Optimizer {
    /// The places of the averages of parameters and of running statistics; `nil` without them.
    private var averageRanges: (parameters: Range<Int>, statistics: Range<Int>)? {
        layout.slots.firstIndex(of: .average).map {
            (layout.parameters(ofSlot: $0), layout.statistics(ofSlot: $0))
        }
    }

    /// Moves the average towards the parameters and running statistics of `store`.
    private mutating func addToAverage(_ store: ParameterStore, share: Float, on pool: WorkerPool?) {
        guard share > 0, let (parameters, statistics) = averageRanges else { return }
        let pool = pool ?? WorkerPool(threads: 1)
        withSpans(store.values, into: &slots) {
            var own = $1.part(parameters)
            moveAverage(&own, to: $0, share: share, on: pool)
        }
        withSpans(store.statistics, into: &slots) {
            var own = $1.part(statistics)
            moveAverage(&own, to: $0, share: share, on: pool)
        }
    }

    /// Exchanges the parameters and running statistics of `store` with their average, if there is
    /// one.
    package mutating func exchangeAverage(with store: ParameterStore) {
        guard let (parameters, statistics) = averageRanges else { return }
        withSpans(into: &store.values, &slots) { exchange(&$0, with: &$1, at: parameters.lowerBound) }
        withSpans(into: &store.statistics, &slots) { exchange(&$0, with: &$1, at: statistics.lowerBound) }
    }
}

/// `average ← average + share · (values − average)`.
private func moveAverage(
    _ average: inout MutableSpan<Float>, to values: Span<Float>, share: Float, on pool: WorkerPool
) {
    let chunk = 16_384
    pool.split(&average, every: chunk) { item, average in
        let values = values.extracting(item * chunk..<item * chunk + average.count)
        for i in values.indices {
            average[i] =
                share == 1 ? values[i] : average[i].addingProduct(share, values[i] - average[i])
        }
    }
}

/// Exchanges all elements of `values` with those of `others` from `start` on.
private func exchange(
    _ values: inout MutableSpan<Float>, with others: inout MutableSpan<Float>, at start: Int
) {
    for i in values.indices { (values[i], others[start + i]) = (others[start + i], values[i]) }
}
