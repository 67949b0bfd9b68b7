extension Checkpoint {
    /// The model whose tensors are the means of those of `models`, summed in their order in double
    /// precision; without the training state.
    ///
    /// Running statistics are averaged like weights; they are not the statistics that the averaged
    /// network would measure. Batch counts, position, configuration and algorithms are those of the
    /// last model.
    ///
    /// - Parameter models: One or more, with the path of each for errors.
    /// - Throws: If a model differs from the first in network, head or number of classes.
    package static func average(
        of models: [(checkpoint: Checkpoint, path: String)]
    ) throws(CheckpointError) -> Checkpoint {
        guard var result = models.last?.checkpoint else { preconditionFailure("an average of nothing") }
        let first = models[0].checkpoint
        for (model, path) in models.dropFirst() {
            guard model.network == first.network, model.classes == first.classes,
                model.headKind == first.headKind,
                model.state.map(\.name) == first.state.map(\.name),
                model.state.map(\.shape) == first.state.map(\.shape)
            else {
                throw CheckpointError(
                    path: path,
                    reason: "has another network, head or number of classes than \(models[0].path)")
            }
        }
        for index in result.state.indices where !result.state[index].name.hasSuffix("num_batches_tracked") {
            var sums = [Double](repeating: 0, count: result.state[index].elements.count)
            for (model, _) in models {
                for (i, value) in model.state[index].elements.enumerated() { sums[i] += Double(value) }
            }
            result.state[index].elements = sums.map { Float($0 / Double(models.count)) }
        }
        result.slots = []
        return result
    }
}
