extension Classifier {
    /// Trains only some parts of the network; the others keep their values and get no gradients.
    ///
    /// - Parameters:
    ///   - parts: Layers by their names in the state dictionary, or all below a name, such as
    ///     `layer4`; `head` is what follows the features.
    ///   - fixesStatistics: Whether batch norms of other parts normalise with their running
    ///     statistics, which then stay as they are, instead of with those of the batch.
    /// - Returns: The parts that name no layer; if there are any, nothing is changed.
    package func train(only parts: [String], fixesStatistics: Bool) -> [String] {
        let head = parameters.entries.suffix(headEntryCount).map(\.name)
        let trained = parameters.entries.filter { $0.role == .parameter }
        let unknown = parts.filter { part in !trained.contains { self.part(part, includes: $0, head) } }
        guard unknown.isEmpty else { return unknown }
        parameters.train { entry in parts.contains { self.part($0, includes: entry, head) } }
        self.fixesStatistics = fixesStatistics
        for network in networks.values { network.fixStatisticsOfFrozenLayers(fixesStatistics) }
        return []
    }

    /// The first parts of the layers' names, and `head`, in order.
    package var layerGroups: [String] {
        var groups: [String] = []
        for entry in parameters.entries.dropLast(headEntryCount) {
            let group = String(entry.name.prefix { $0 != "." })
            if groups.last != group { groups.append(group) }
        }
        return groups + ["head"]
    }

    private func part(_ part: String, includes entry: TensorEntry, _ head: [String]) -> Bool {
        part == "head" ? head.contains(entry.name) : entry.name.hasPrefix("\(part).")
    }

    /// Sets the scale of the last batch norm of every residual block to 0, so that each block begins
    /// as its shortcut (Goyal et al., arXiv 1706.02677, section 5.1).
    ///
    /// - Returns: The number of blocks with such a batch norm; 0 for pre-activation blocks, whose
    ///   last layer is a convolution.
    package func zeroResidualScales() -> Int {
        let graph = network.graph
        let names = graph.entries.compactMap { entry -> String? in
            guard case .sum = entry.layer, case .batchNorm(let name) = graph[entry.inputs[0]].layer
            else { return nil }
            return "\(name).weight"
        }
        for entry in parameters.entries where names.contains(entry.name) {
            parameters.setElements(of: entry, to: [Float](repeating: 0, count: entry.count))
        }
        return names.count
    }
}
