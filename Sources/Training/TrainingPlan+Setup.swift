internal import Checkpoints
internal import Cluster
internal import Datasets
internal import Networks
internal import RunConfiguration
internal import Workers

extension TrainingPlan {
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup, _ engine: StepEngine,
        _ accumulation: GradientAccumulation, _ memory: MemoryBudget, _ communicator: any Communicator
    ) {
        let classifier = engine.classifier
        self.init(
            network: classifier.name.rawValue, parameterCount: classifier.parameters.parameterCount,
            worldSize: communicator.worldSize, threads: setup.pool.threads,
            threadChoice: setup.threads.description(configuration.compute.threads),
            sampleCount: setup.training.count, batchSize: configuration.training.batch,
            epochs: configuration.training.epochs, stepsPerEpoch: setup.stepsPerEpoch,
            firstStep: setup.resumed?.checkpoint.position.step ?? 0, resumedFrom: setup.resumed?.path,
            runDirectory: RunDirectory(configuration).path,
            memoryByteCount: memory.rankByteCount + memory.writingByteCount,
            accumulationSteps: accumulation.count(imageCount: configuration.training.batch),
            hasClassifier: classifier.headKind.isClassifier, hasValidation: setup.validation != nil)
    }
}
