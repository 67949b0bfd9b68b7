/// The batches of one rank in a training run, starting at any step of any epoch.
///
/// Step `s` of an epoch uses positions `[s · batchSize, (s + 1) · batchSize)`, and the last step
/// uses the remaining ones; the batch's `ReductionTree` assigns them to ranks.
package struct TrainingBatches: IteratorProtocol, Sendable {
    let sampler: Sampler
    private let division: BatchDivision
    private let epochs: Int
    private var epoch: Int
    private var step: Int
    private var order: SampleOrder?

    /// - Parameters:
    ///   - sampler: The order of the records; its seed is also the seed of the augmentation.
    ///   - startStep: From 0 to the number of steps of an epoch; that number means step 0 of the
    ///     next epoch.
    ///   - epochs: Number of epochs of the run, including those before `startEpoch`.
    package init(
        _ sampler: Sampler, _ division: BatchDivision, startEpoch: Int = 0, startStep: Int = 0, epochs: Int
    ) {
        self.sampler = sampler
        self.division = division
        self.epochs = epochs
        epoch = startEpoch
        step = startStep
        precondition(
            startEpoch >= 0 && (0...stepsPerEpoch).contains(startStep),
            "a start at step \(startStep) of \(stepsPerEpoch) in epoch \(startEpoch)")
    }

    var microbatchSize: Int { division.microbatchSize }
    var stepsPerEpoch: Int { (sampler.count + division.batchSize - 1) / division.batchSize }

    package mutating func next() -> BatchRequest? {
        if step == stepsPerEpoch {
            epoch += 1
            step = 0
        }
        guard epoch < epochs, step < stepsPerEpoch else { return nil }
        if order?.epoch != epoch { order = sampler.order(epoch: epoch) }
        guard let order else { return nil }
        let start = step * division.batchSize
        let globalSampleCount = min(division.batchSize, sampler.count - start)
        let samples = division.samples(ofBatchOf: globalSampleCount)
        defer { step += 1 }
        return BatchRequest(
            epoch: epoch, step: step, samples: samples, globalSampleCount: globalSampleCount,
            records: samples.map { order.record(at: start + $0) })
    }
}
