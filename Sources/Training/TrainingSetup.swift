internal import Checkpoints
internal import Cluster
internal import Datasets
internal import Kernels
internal import Networks
internal import RunConfiguration
internal import Workers

/// All that a run needs before its first step; made on every rank without communication.
struct TrainingSetup {
    let training: PackedDataset
    /// `nil` if the configuration has none.
    let validation: PackedDataset?
    let network: NetworkName
    /// The checkpoint to resume from.
    let resumed: (checkpoint: Checkpoint, path: String)?
    /// Newer checkpoints that are damaged.
    let damaged: [CheckpointError]
    /// The checkpoint's convolution algorithms; `nil` without a checkpoint, or if another choice is
    /// allowed.
    let keptConvolutions: AlgorithmSelection?
    let stepsPerEpoch: Int
    /// Whether the run abandons existing later steps; `false` if it computes them again, bit by
    /// bit.
    let abandonsLaterSteps: Bool
    let notices: [String]
    let threads: ThreadChoice
    let pool: WorkerPool
    /// The largest number of prefetched batches.
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
            configuration.division(communicator), size: configuration.largestImageSize,
            views: configuration.viewsPerImage)
        let batch = configuration.training.batch
        stepsPerEpoch = (self.training.count + batch - 1) / batch
        (resumed, damaged) = (agreement.found, agreement.damaged)
        guard let resumed else {
            (keptConvolutions, notices) = (nil, dataNotes)
            abandonsLaterSteps = true
            return
        }
        let resumption = try Resumption(
            of: resumed.checkpoint, path: resumed.path, configuration: configuration,
            dataFingerprint: self.training.fingerprint, stepsPerEpoch: stepsPerEpoch, allowed: allowedChanges)
        keptConvolutions = resumption.convolutions
        abandonsLaterSteps = agreement.mode != .automatic || !resumption.notices.isEmpty
        if keptConvolutions != nil {
            try resumed.checkpoint.checkConvolutions(of: network, path: resumed.path)
        }
        let isMeasured = keptConvolutions != nil && configuration.compute.convolution == .autotune
        notices =
            dataNotes + resumption.notices + (resumption.renamed.map { [$0] } ?? [])
            + (isMeasured ? ["convolution algorithms are those of \(resumed.path)"] : [])
    }

    /// The classifier with the checkpoint's or the initial parameters, the gradient accumulation
    /// with which it fits into this rank's memory, and the resident bytes of the process before.
    ///
    /// - Throws: If it does not fit into the host's memory; before anything large is allocated.
    func makeClassifier(
        _ configuration: RunConfiguration, convolutions: AlgorithmSelection, _ communicator: any Communicator
    ) throws -> (classifier: Classifier, accumulation: GradientAccumulation, resident: Int) {
        let classifier = try Classifier(configuration, convolutions: convolutions)
        let resident = ProcessMemory.residentByteCount
        let accumulation = try GradientAccumulation.choose(configuration, worldSize: communicator.worldSize) {
            memory(classifier, $0, configuration, resident: resident, communicator).fits
        }
        try memory(classifier, accumulation, configuration, resident: resident, communicator).check()
        if let resumed {
            try resumed.checkpoint.restore(classifier, path: resumed.path)
        } else {
            try classifier.initialize(configuration)
        }
        return (classifier, accumulation, resident)
    }

    /// The loader of the rank's batches, from the next step of the run on.
    ///
    /// - Parameter reading: The source of a set's records.
    func makeLoader(
        _ configuration: RunConfiguration, _ communicator: any Communicator,
        _ reading: (PackedDataset) -> any ImageSource
    ) throws -> StagedLoader {
        let position = resumed?.checkpoint.position ?? TrainingPosition()
        let (sampler, division) = (
            configuration.sampler(count: training.count), configuration.division(communicator)
        )
        let source = reading(training)
        let stages = configuration.sizeStages.filter { position.epoch < $0.until }
        var start = (epoch: position.epoch, step: position.stepInEpoch)
        return try StagedLoader(
            stages.map { stage in
                let batches = TrainingBatches(
                    sampler, division, startEpoch: start.epoch, startStep: start.step, epochs: stage.until)
                start = (stage.until, 0)
                return StagedLoader.Stage(size: stage.size) { [prefetch] () throws(ThreadError) in
                    try BatchLoader(
                        batches, of: source, transform: configuration.trainingTransform(size: stage.size),
                        views: configuration.viewsPerImage, prefetch: prefetch, threads: 1)
                }
            })
    }

    /// The memory of a run on this rank.
    func memory(
        _ classifier: Classifier, _ accumulation: GradientAccumulation, _ configuration: RunConfiguration,
        resident: Int,
        _ communicator: any Communicator
    ) -> MemoryBudget {
        // The largest images need the most memory.
        classifier.use(imageSize: configuration.largestImageSize)
        let microbatch = configuration.training.microbatch
        let batch = configuration.training.batch
        // The last batch of an epoch may be shorter and have fewer accumulation steps; the first
        // one is the largest.
        let training = Set([batch, self.training.count % batch]).filter { $0 > 0 }.map {
            StepContext(
                accumulation.placements(imageCount: $0, rank: communicator.rank)[0], mode: .training,
                pool: pool)
        }
        let evaluation = StepContext(
            BatchPlacement(
                sampleCount: configuration.validationBatch(worldSize: communicator.worldSize),
                microbatchSize: microbatch),
            mode: .evaluation, pool: pool)
        let share = configuration.placement(
            imageCount: batch, rank: communicator.rank, worldSize: communicator.worldSize
        ).sampleCount
        // Images of the prefetched batches, of the batch being filled, of the batch in use and of
        // its mixture; an accumulation step copies its images.
        let batches = prefetch + (configuration.mixing.name == .none ? 2 : 3)
        var images = batches * max(share, evaluation.placement.sampleCount)
        if accumulation.limit > 1 { images += training.map(\.placement.sampleCount).max() ?? 0 }
        var budget = MemoryBudget(
            classifier, resident: resident, passes: training + [evaluation],
            optimizer: 4 * SlotLayout(configuration.optimizer.slots, of: classifier.parameters).count,
            images: 4 * images * classifier.imageCount,
            // The snapshot, and the file that is built from it.
            writing: 2 * Snapshot.byteCount(of: classifier, slots: configuration.optimizer.slots),
            ranksOnHost: communicator.localSize)
        budget.canSplit = !configuration.loss.comparesPairs
        return budget
    }
}

extension RunConfiguration {
    /// The stages of the run; one if the training images have one size.
    fileprivate var sizeStages: [SizeStage] {
        training.sizes.isEmpty
            ? [SizeStage(until: training.epochs, size: data.transform.size)] : training.sizes
    }

    /// The size of the largest images of training and evaluation.
    fileprivate var largestImageSize: Int {
        sizeStages.reduce(data.transform.size) { max($0, $1.size) }
    }

    /// How the ranks divide a batch.
    fileprivate func division(_ communicator: any Communicator) -> BatchDivision {
        BatchDivision(
            batchSize: training.batch, microbatchSize: training.microbatch, rank: communicator.rank,
            worldSize: communicator.worldSize)
    }
}
