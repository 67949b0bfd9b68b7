/// What a score needs besides the outputs of the scored images.
package struct ScoreInputs: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// It is fitted on the mean feature of the training set.
    package static let trainingMean = ScoreInputs(rawValue: 1)
    /// It is fitted on features, logits and labels of the training set.
    package static let trainingFeatures = ScoreInputs(rawValue: 2)
    /// It is fitted on the same of the in-distribution validation set, or of the training set if
    /// there is none.
    package static let validationFeatures = ScoreInputs(rawValue: 4)
    /// It is also fitted on the out-of-distribution validation set.
    package static let outliers = ScoreInputs(rawValue: 8)
    /// It needs the logits of other networks.
    package static let members = ScoreInputs(rawValue: 16)
    /// It uses features alone, so that it also works for a network without a classifier.
    package static let featuresAlone = ScoreInputs(rawValue: 32)

    /// Whether the score is fitted on a set.
    package var areFitted: Bool {
        !isDisjoint(with: [.trainingMean, .trainingFeatures, .validationFeatures, .outliers])
    }
}
