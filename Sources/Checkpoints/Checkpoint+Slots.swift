extension Checkpoint {
    /// The tensors of one slot of the training state.
    package struct Slot: Equatable, Sendable {
        package var name: String
        package var tensors: [Tensor]

        package init(_ slot: StateSlot, tensors: [Tensor]) {
            name = slot.name
            self.tensors = tensors
        }
    }

    /// The tensors of the slot `name`; none without it.
    package func tensors(ofSlot name: String) -> [Tensor] {
        slots.first { $0.name == name }?.tensors ?? []
    }

    /// Adds a tensor to the slot `name`.
    mutating func append(_ tensor: Tensor, toSlot name: String) {
        if let place = slots.firstIndex(where: { $0.name == name }) {
            slots[place].tensors.append(tensor)
        } else {
            slots.append(Slot(StateSlot(name: name), tensors: [tensor]))
        }
    }

    /// The model that is evaluated: the average of the weights if the checkpoint has one, otherwise
    /// the weights; without slots.
    package var model: Checkpoint {
        var model = self
        model.slots = []
        let average = Dictionary(
            tensors(ofSlot: StateSlot.average.name).map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first })
        model.state = state.map { average[$0.name] ?? $0 }
        return model
    }
}
