internal import Cluster

extension ScoreFit {
    /// The network behind the features.
    var network: InspectedNetwork { requiredTrainingImages.network }

    /// The place in the training set of the rank's first record.
    var firstTrainingRecord: Int { requiredTrainingImages.firstRecord }

    /// Goes through the rank's training images. Collective.
    ///
    /// - Parameter body: Gets records, by their place in the share, and what was observed, shape `[records.count, W]`.
    func forEachTrainingObservation(
        _ observation: any Observation, _ body: (_ records: Range<Int>, _ values: [Float]) throws -> Void
    ) throws {
        try requiredTrainingImages.forEachObservation(observation, training, body)
    }

    /// The training set with what was observed in the place of features, and no logits worth anything. Collective.
    func trainingShare(of observation: any Observation) throws -> FeatureShare {
        var values: [Float] = []
        try forEachTrainingObservation(observation) { values += $1 }
        let widths = training.count > 0 ? values.count / training.count : 0
        let width = try communicator.maximum(widths)
        return training.replacingFeatures(values, dimension: width)
    }

    /// What was observed of the rank's validation images, or training images where there are none; gone through once for each
    /// observation. Collective.
    ///
    /// - Returns: Shape `[validation.count, W]`.
    func observedValidation(_ observation: any Observation) throws -> [Float] {
        if let known = observed[observation.key] { return known }
        var values: [Float] = []
        try requiredValidationImages.forEachObservation(observation, validation) { values += $1 }
        observed[observation.key] = values
        return values
    }
}
