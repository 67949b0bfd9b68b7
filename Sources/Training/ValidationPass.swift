internal import Cluster
internal import Datasets
internal import Inference
internal import Networks
internal import RunConfiguration
internal import Workers

/// Evaluates the validation set on all ranks.
struct ValidationPass {
    private let set: PackedDataset
    private let pass: ForwardPass

    /// `nil` without a validation set, and for a network without a classifier.
    init?(
        _ configuration: RunConfiguration, _ set: PackedDataset?, _ classifier: Classifier, pool: WorkerPool,
        _ communicator: any Communicator
    ) {
        guard classifier.headKind.isClassifier, let set else { return nil }
        self.set = set
        pass = ForwardPass(
            classifier: classifier, transform: configuration.evaluationTransform,
            microbatchSize: configuration.training.microbatch,
            batchSize: configuration.validationBatch(worldSize: communicator.worldSize),
            communicator: communicator, pool: pool, flips: configuration.evaluation.mirror)
    }

    /// The fraction of correct predictions; collective.
    ///
    /// - Parameter tick: Called after each batch.
    func accuracy(_ communicator: any Communicator, tick: () -> Void) throws -> Double {
        let correct = try communicator.together {
            var correct = 0
            try pass.forEachBatch(of: set) {
                correct += $0.correctCount
                tick()
            }
            return correct
        }
        var counts = [Int64(correct)]
        var span = counts.mutableSpan
        try communicator.treeSum(&span)
        return Double(counts[0]) / Double(max(set.count, 1))
    }
}
