/// The network without its head.
package struct NetworkConfiguration: Codable, Equatable, Sendable {
    /// What batch norms of parts that are not trained normalise with.
    package enum FrozenStatistics: String, Choice {
        /// The running statistics, which stay as they are.
        case fixed
        /// The statistics of the batch, with which the running ones are updated.
        case batch
    }

    /// The initial scales of batch norms.
    package enum ZeroInit: String, Choice {
        /// All are 1.
        case none
        /// Those of the last batch norm in each residual block are 0.
        case residual
    }

    /// The architecture's name.
    package var name = "resnet18_32x32"
    /// The number of classes.
    package var classes = 10
    /// The parts that are trained: layers by their names, groups of layers such as `layer4`, and
    /// `head` for what follows the features; the others keep their values. Empty for the whole
    /// network.
    package var train: [String] = []
    /// What batch norms of parts that are not trained normalise with.
    package var frozenStatistics = FrozenStatistics.fixed
    /// The initial scales of batch norms.
    package var zeroInit = ZeroInit.none
    /// The fraction of elements that dropout layers set to 0 in training; 0 for no dropout.
    package var dropout = 0.0

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(!name.isEmpty, "network.name", name, "the name of a network")
        try check(
            (2...1_000_000).contains(classes), "network.classes", classes, "a whole number from 2 to 1000000")
        try check(0 <= dropout && dropout < 1, "network.dropout", dropout, "a number from 0 to below 1")
        try check(
            train.allSatisfy { !$0.isEmpty } && Set(train).count == train.count, "network.train", train,
            "a list of different layers, groups of layers such as layer4, and head")
    }
}
