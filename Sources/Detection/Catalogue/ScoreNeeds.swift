/// The sets and networks that a list of scores needs.
package struct ScoreNeeds: Equatable, Sendable {
    /// How much of the training set is needed.
    package enum Training: Sendable {
        case nothing
        /// The mean feature.
        case mean
        /// Features, logits and labels of all records.
        case features
    }

    package let training: Training
    /// Whether the in-distribution validation set is needed.
    package let validation: Bool
    /// Whether the out-of-distribution validation set is needed.
    package let outliers: Bool
    /// Whether the logits of other networks are needed.
    package let members: Bool

    /// - Parameters:
    ///   - hasValidation: Whether there is a validation set; without one the training set takes its
    ///     place.
    ///   - searches: Whether settings are searched, which needs both validation sets.
    package init(_ scores: [ScoreDefinition], hasValidation: Bool, searches: Bool = false) {
        let inputs = scores.reduce(into: ScoreInputs()) { $0.formUnion($1.inputs) }
        let fitsOnValidation = inputs.contains(.validationFeatures)
        training =
            if inputs.contains(.trainingFeatures) || (fitsOnValidation && !hasValidation) {
                .features
            } else {
                inputs.contains(.trainingMean) ? .mean : .nothing
            }
        validation = searches || fitsOnValidation
        outliers = searches || inputs.contains(.outliers)
        members = inputs.contains(.members)
    }
}
