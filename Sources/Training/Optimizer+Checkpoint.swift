internal import Checkpoints
package import Networks
package import RunConfiguration

extension Optimizer {
    /// The optimiser of a run, with its state at the run's beginning.
    package init(_ configuration: OptimizerConfiguration, of store: ParameterStore) {
        self.init(
            configuration.rule, weightDecay: Float(configuration.weightDecay),
            undecayed: configuration.undecayedKinds, average: WeightAverage(configuration.ema), of: store)
    }

    /// Overwrites the slots.
    ///
    /// - Throws: If the checkpoint has other slots, or lacks a tensor of one or has it in another
    ///   shape.
    mutating func restore(
        _ checkpoint: Checkpoint, of store: ParameterStore, path: String
    ) throws(CheckpointError) {
        let (found, expected) = (checkpoint.slots.map(\.name), layout.slots.map(\.name))
        guard found.isEmpty || Set(found) == Set(expected) else {
            throw CheckpointError(
                path: path,
                reason: """
                    contains the optimizer's \(found.joined(separator: ", ")), the configuration's optimizer keeps \
                    \(expected.joined(separator: ", ")); restore the settings in optimizer, or export the model and import \
                    it --into training as another run
                    """)
        }
        for (index, slot) in expected.enumerated() {
            let tensors = Dictionary(
                checkpoint.tensors(ofSlot: slot).map { ($0.name, $0) },
                uniquingKeysWith: { first, _ in first })
            for entry in store.entries {
                guard let place = layout.entry(entry, inSlot: index) else { continue }
                guard let tensor = tensors[entry.name], tensor.shape == entry.shape else {
                    throw CheckpointError(
                        path: path,
                        reason:
                            "contains no \(slot) of '\(entry.name)': it is a model, not a state to resume from"
                    )
                }
                place.setElements(in: &slots, to: tensor.elements)
            }
        }
    }

    /// The tensors of all slots, for a checkpoint.
    func checkpointSlots(of store: ParameterStore) -> [Checkpoint.Slot] {
        layout.slots.enumerated().map { index, slot in
            var tensors: [Checkpoint.Tensor] = []
            for entry in store.entries {
                guard let place = layout.entry(entry, inSlot: index) else { continue }
                tensors.append(
                    .init(name: entry.name, shape: entry.shape, elements: place.elements(in: slots)))
            }
            return Checkpoint.Slot(slot, tensors: tensors)
        }
    }
}

extension OptimizerConfiguration {
    /// The kinds of parameters without weight decay; `nil` for the rule's.
    fileprivate var undecayedKinds: Set<TensorEntry.Kind>? { kinds(noDecay) }

    /// The kinds of parameters that are in `groups`; `nil` for `automatic`.
    func kinds(_ groups: [Group]) -> Set<TensorEntry.Kind>? {
        guard groups != [.automatic] else { return nil }
        return Set(groups.compactMap { TensorEntry.Kind(rawValue: $0.rawValue) })
    }

    /// The slots that a run keeps.
    var slots: [StateSlot] { Optimizer.slots(rule, WeightAverage(ema)) }
}
