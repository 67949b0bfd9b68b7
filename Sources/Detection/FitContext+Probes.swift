internal import Cluster
internal import Inference

extension FitContext {
    /// The network behind the features.
    var network: InspectedNetwork { requiredTrainingImages.network }

    /// The index in the training set of the rank's first record.
    var firstTrainingRecord: Int { requiredTrainingImages.firstRecord }

    /// Captures `probe` on the rank's training images, batch by batch. Collective.
    ///
    /// - Parameter body: Receives the records, as indices in the shard, and their captured values,
    ///   shape `[records.count, W]`.
    func forEachCapturedTrainingBatch(
        _ probe: any NetworkProbe, _ body: (_ records: Range<Int>, _ values: [Float]) throws -> Void
    ) throws {
        try requiredTrainingImages.forEachCapturedBatch(probe, training, body)
    }

    /// The training set with captured values in place of features; the logits do not belong to them
    /// and must not be used. Collective.
    func trainingShard(of probe: any NetworkProbe) throws -> FeatureShard {
        var values: [Float] = []
        try forEachCapturedTrainingBatch(probe) { values += $1 }
        let widths = training.count > 0 ? values.count / training.count : 0
        let width = try communicator.maximum(widths)
        return training.replacingFeatures(values, dimension: width)
    }

    /// The values captured on the rank's validation images, or on its training images if there is
    /// no validation set; each probe reads the images once. Collective.
    ///
    /// - Returns: Shape `[validation.count, W]`.
    func capturedValidation(_ probe: any NetworkProbe) throws -> [Float] {
        if let known = captured[probe.key] { return known }
        var values: [Float] = []
        try requiredValidationImages.forEachCapturedBatch(probe, validation) { values += $1 }
        captured[probe.key] = values
        return values
    }
}
