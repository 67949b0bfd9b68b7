internal import Checkpoints
internal import Cluster
internal import Datasets
internal import Kernels
internal import Networks
internal import RunConfiguration
internal import Workers

/// All that a run needs before its first step; made on every rank alone, without waiting for another.
struct TrainingSetup {
    let training: PackedDataset
    /// `nil` where the configuration has none.
    let validation: PackedDataset?
    let network: NetworkName
    /// The checkpoint to go on from.
    let resumed: (checkpoint: Checkpoint, path: String)?
    /// Newer ones that are damaged.
    let damaged: [CheckpointError]
    /// The paths of its convolutions; `nil` without a checkpoint, or where another choice is allowed.
    let keptConvolutions: ConvolutionChoices?
    let stepsPerEpoch: Int
    /// Whether what there is of later steps is another past: not where the run makes it again, bit by bit.
    let leavesPast: Bool
    let notices: [String]
    let threads: ThreadChoice
    let pool: WorkerPool
    /// Batches that are made ready ahead, at most.
    let prefetch: Int

    init(
        _ configuration: RunConfiguration, _ agreement: ResumeAgreement,
        allowedChanges: Set<String>, datasetFolders: [String: String], threads: ThreadChoice,
        _ communicator: any Communicator
    ) throws {
        let (training, validation) = (configuration.data.train, configuration.data.validation)
        self.training = try PackedDataset(path: datasetFolders[training] ?? training)
        self.validation =
            validation.isEmpty ? nil : try PackedDataset(path: datasetFolders[validation] ?? validation)
        let classes = ClassAgreement(
            classes: configuration.network.classes, training: self.training.manifest)
        for set in [self.training, self.validation].compactMap({ $0 }) { try classes.check(set) }
        let dataNotes =
            (classes.note(on: self.training).map { [$0] } ?? [])
            + (self.validation == nil
                ? ["data.validation is empty: best.h5 is the newest epoch's model"] : [])
        network = try configuration.networkName()
        self.threads = threads
        pool = try WorkerPool(exactly: threads.count(configuration.compute.threads))
        prefetch = BatchLoader.prefetch(
            upTo: configuration.data.prefetch, byteCount: configuration.data.prefetchBytes,
            batchSize: configuration.training.batch, laneSize: configuration.training.lane,
            rank: communicator.rank, worldSize: communicator.worldSize,
            size: configuration.data.transform.size, views: configuration.viewsPerImage)
        let batch = configuration.training.batch
        stepsPerEpoch = (self.training.count + batch - 1) / batch
        (resumed, damaged) = (agreement.found, agreement.damaged)
        guard let resumed else {
            (keptConvolutions, notices) = (nil, dataNotes)
            leavesPast = true
            return
        }
        let resumption = try Resumption(
            of: resumed.checkpoint, path: resumed.path, configuration: configuration,
            dataFingerprint: self.training.fingerprint, stepsPerEpoch: stepsPerEpoch, allowed: allowedChanges)
        keptConvolutions = resumption.convolutions
        leavesPast = agreement.mode != .automatic || !resumption.notices.isEmpty
        if keptConvolutions != nil {
            try resumed.checkpoint.checkConvolutions(of: network, path: resumed.path)
        }
        let isMeasured = keptConvolutions != nil && configuration.compute.convolution == .measured
        notices =
            dataNotes + resumption.notices
            + (isMeasured ? ["convolution paths as \(resumed.path) keeps them"] : [])
    }

    /// The classifier at the checkpoint, or at its beginning, the parts of a step in which this rank has room for it, and the bytes that
    /// the process had before.
    ///
    /// - Throws: Before anything large is allocated, if the host has no room for it.
    func makeClassifier(
        _ configuration: RunConfiguration, convolutions: ConvolutionChoices, _ communicator: any Communicator
    ) throws -> (classifier: Classifier, parts: StepParts, resident: Int) {
        let classifier = try Classifier(configuration, convolutions: convolutions)
        let resident = ProcessMemory.residentByteCount
        let parts = try StepParts.choose(configuration, worldSize: communicator.worldSize) {
            memory(classifier, $0, configuration, resident: resident, communicator).fits
        }
        try memory(classifier, parts, configuration, resident: resident, communicator).check()
        if let resumed {
            try resumed.checkpoint.restore(classifier, path: resumed.path)
        } else {
            classifier.parameters.initialize(seed: configuration.seed)
        }
        return (classifier, parts, resident)
    }

    /// What a run takes on this rank.
    func memory(
        _ classifier: Classifier, _ parts: StepParts, _ configuration: RunConfiguration, resident: Int,
        _ communicator: any Communicator
    ) -> MemoryBudget {
        let lane = configuration.training.lane
        let batch = configuration.training.batch
        // The last batch of an epoch may be shorter and have fewer parts; the first part is the largest.
        let training = Set([batch, self.training.count % batch]).filter { $0 > 0 }.map {
            Pass(
                parts.placements(imageCount: $0, rank: communicator.rank)[0], mode: .training, pool: pool)
        }
        let evaluation = Pass(
            BatchPlacement(
                sampleCount: configuration.validationBatch(worldSize: communicator.worldSize), laneSize: lane),
            mode: .evaluation, pool: pool)
        let share = configuration.placement(
            imageCount: batch, rank: communicator.rank, worldSize: communicator.worldSize
        ).sampleCount
        // Those that wait, the one that is filled, the one at work and its mixture; a part has a copy of its own.
        let batches = prefetch + (configuration.mixing.name == .none ? 2 : 3)
        var images = batches * max(share, evaluation.placement.sampleCount)
        if parts.limit > 1 { images += training.map(\.placement.sampleCount).max() ?? 0 }
        var budget = MemoryBudget(
            classifier, resident: resident, passes: training + [evaluation],
            optimizer: 4 * classifier.parameters.parameterCount,
            images: 4 * images * classifier.imageCount,
            // The snapshot, and the file that is made of it.
            writing: 2 * Snapshot.byteCount(of: classifier), ranksOnHost: communicator.localSize)
        budget.canSplit = !configuration.loss.comparesPairs
        return budget
    }
}
