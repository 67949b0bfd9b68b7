internal import Checkpoints
internal import Networks

extension MomentumSGD {
    /// Overwrites the velocity.
    ///
    /// - Throws: If `tensors` has no velocity of a parameter, or one of another shape.
    mutating func restore(
        _ tensors: [Checkpoint.Tensor], of store: ParameterStore, path: String
    ) throws(CheckpointError) {
        let byName = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in store.entries where entry.role == .parameter {
            guard let tensor = byName[entry.name], tensor.shape == entry.shape else {
                throw CheckpointError(
                    path: path,
                    reason:
                        "contains no momentum of '\(entry.name)': it is a model, not a state to resume from")
            }
            store.setElements(of: entry, in: &velocity, to: tensor.elements)
        }
    }
}
