internal import Checkpoints
internal import Cluster
public import Datasets
internal import Kernels
internal import Networks
internal import RunConfiguration
internal import Workers

/// All that a run needs before its first step; made on every rank alone, without waiting for another.
struct TrainingSetup {
    let training: PackedDataset
    let validation: PackedDataset
    let network: NetworkName
    /// The checkpoint to go on from.
    let resumed: (checkpoint: Checkpoint, path: String)?
    let notices: [String]
    let pool: WorkerPool
    /// Batches that are made ready ahead, at most.
    let prefetch: Int

    init(
        _ configuration: RunConfiguration, store: CheckpointStore, resume: ResumeMode,
        datasetFolders: [String: String], _ communicator: any Communicator
    ) throws {
        let (training, validation) = (configuration.data.train, configuration.data.validation)
        self.training = try PackedDataset(path: datasetFolders[training] ?? training)
        self.validation = try PackedDataset(path: datasetFolders[validation] ?? validation)
        for set in [self.training, self.validation] {
            try checkLabels(of: set, classes: configuration.network.classes)
        }
        network = try configuration.networkName()
        pool = WorkerPool(
            threads: configuration.compute.threads > 0
                ? configuration.compute.threads
                : CPUTopology.current().threads(ranks: communicator.localSize))
        prefetch = BatchLoader.prefetch(
            upTo: configuration.data.prefetch, byteCount: configuration.data.prefetchBytes,
            batchSize: configuration.training.batch, laneSize: configuration.training.lane,
            rank: communicator.rank, worldSize: communicator.worldSize,
            size: configuration.data.transform.size)
        let (found, passedOver) = try Self.findCheckpoint(store, resume)
        resumed = found
        guard let found else {
            notices = passedOver
            return
        }
        try Self.check(found, fits: configuration, data: self.training.fingerprint)
        try found.checkpoint.checkConvolutions(of: network, path: found.path)
        let isMeasured = configuration.compute.convolution == .measured
        notices = passedOver + (isMeasured ? ["convolution paths as \(found.path) keeps them"] : [])
    }

    /// The classifier at the checkpoint, or at its beginning, and what its run takes.
    ///
    /// - Throws: Before anything large is allocated, if the host has no room for it.
    func makeClassifier(
        _ configuration: RunConfiguration, convolutions: ConvolutionChoices, _ communicator: any Communicator
    ) throws -> (classifier: Classifier, memory: MemoryBudget) {
        let classifier = try Classifier(configuration, convolutions: convolutions)
        let memory = memory(classifier, configuration, communicator)
        try memory.check()
        if let resumed {
            try resumed.checkpoint.restore(classifier, path: resumed.path)
        } else {
            classifier.parameters.initialize(seed: configuration.seed)
        }
        return (classifier, memory)
    }

    private func memory(
        _ classifier: Classifier, _ configuration: RunConfiguration, _ communicator: any Communicator
    ) -> MemoryBudget {
        let lane = configuration.training.lane
        let training = Pass(
            configuration.placement(
                imageCount: configuration.training.batch, rank: communicator.rank,
                worldSize: communicator.worldSize),
            mode: .training, pool: pool)
        let evaluation = Pass(
            BatchPlacement(
                sampleCount: max(configuration.evaluation.batch / lane, 1) * lane, laneSize: lane),
            mode: .evaluation, pool: pool)
        // Those that wait, the one that is filled, the one at work and its mixture.
        let batches = prefetch + (configuration.mixing.name == .none ? 2 : 3)
        let images = max(training.placement.sampleCount, evaluation.placement.sampleCount)
        return MemoryBudget(
            classifier, passes: [training, evaluation],
            optimizer: 4 * classifier.parameters.parameterCount,
            images: 4 * batches * images * classifier.imageCount, ranksOnHost: communicator.localSize)
    }

    private static func findCheckpoint(
        _ store: CheckpointStore, _ resume: ResumeMode
    ) throws(CheckpointError) -> ((checkpoint: Checkpoint, path: String)?, [String]) {
        switch resume {
        case .never: return (nil, [])
        case .from(let path): return ((try CheckpointStore.load(path), path), [])
        case .automatic:
            guard let newest = try store.newest() else { return (nil, []) }
            return ((newest.checkpoint, newest.path), newest.damaged.map { "passed over: \($0)" })
        }
    }

    /// Refuses a checkpoint that another configuration or other data made.
    private static func check(
        _ resumed: (checkpoint: Checkpoint, path: String), fits configuration: RunConfiguration, data: String
    ) throws {
        let saved = try RunConfiguration(yaml: resumed.checkpoint.configuration, file: resumed.path)
        let changed = configuration.differences(from: saved).filter(\.isMathematical)
        guard changed.isEmpty else {
            throw CheckpointError(
                path: resumed.path,
                reason: """
                    was made with another configuration: \(changed.map(\.description).joined(separator: "; ")); \
                    set them back, choose another name, or start anew with --resume none
                    """)
        }
        guard resumed.checkpoint.dataFingerprint == data else {
            throw CheckpointError(
                path: resumed.path,
                reason: """
                    was made with other training data (fingerprint \(resumed.checkpoint.dataFingerprint), now \(data)); \
                    start anew with --resume none
                    """)
        }
    }
}

/// Refuses a training or test set with a label that the network has no class for.
public func checkLabels(of set: PackedDataset, classes: Int) throws(DatasetError) {
    for record in 0..<set.count where !(0..<classes).contains(Int(set.label(of: record))) {
        throw DatasetError(
            action: "use dataset '\(set.name)'", place: "\(set.path), record \(record)",
            reason: "its label is \(set.label(of: record)), expected 0..<\(classes)",
            remedy: "check network.classes")
    }
}
