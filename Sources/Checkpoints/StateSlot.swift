internal import Memory
package import Networks

/// A value that training keeps beside each parameter, such as its momentum.
package struct StateSlot: Equatable, Sendable {
    /// The name of its group of tensors in a checkpoint.
    package let name: String
    /// Whether it has values for the running statistics, too.
    package var coversStatistics = false

    /// The accumulated gradients of SGD.
    package static let momentum = StateSlot(name: "momentum")
    /// The weights' exponential moving average, with which a run is evaluated.
    package static let average = StateSlot(name: "average", coversStatistics: true)

    package init(name: String, coversStatistics: Bool = false) {
        self.name = name
        self.coversStatistics = coversStatistics
    }
}

/// The places of all slots in one buffer: slot after slot, each laid out like the parameters,
/// followed by the running statistics if it covers them.
package struct SlotLayout: Equatable, Sendable {
    package let slots: [StateSlot]
    private let parameterCount: Int
    private let statisticCount: Int

    package init(_ slots: [StateSlot], of store: ParameterStore) {
        self.slots = slots
        parameterCount = store.parameterCount
        statisticCount = store.statistics.count
    }

    /// Elements of all slots.
    package var count: Int { start(ofSlot: slots.count) }

    /// The elements of slot `index` that belong to the parameters.
    package func parameters(ofSlot index: Int) -> Range<Int> {
        let start = start(ofSlot: index)
        return start..<start + parameterCount
    }

    /// The elements of slot `index` that belong to the running statistics; empty if it does not
    /// cover them.
    package func statistics(ofSlot index: Int) -> Range<Int> {
        parameters(ofSlot: index).upperBound..<start(ofSlot: index + 1)
    }

    /// The place of a tensor's values in slot `index`; `nil` if the slot has none.
    package func entry(_ entry: TensorEntry, inSlot index: Int) -> TensorEntry? {
        switch entry.role {
        case .parameter: entry.moved(by: start(ofSlot: index))
        case .statistic:
            slots[index].coversStatistics
                ? entry.moved(by: parameters(ofSlot: index).upperBound) : nil
        case .batchCount: nil
        }
    }

    private func start(ofSlot index: Int) -> Int {
        slots.prefix(index).reduce(0) { $0 + parameterCount + ($1.coversStatistics ? statisticCount : 0) }
    }
}
