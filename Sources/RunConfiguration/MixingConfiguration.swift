/// Training on mixtures of two images, whose targets are both classes.
package struct MixingConfiguration: Codable, Equatable, Sendable {
    package enum Name: String, Choice {
        case none
        /// The weighted mean of two images.
        case mixup
        /// An image with a box of another.
        case cutMix
        /// The unchanged batch and its mixup: two samples per image.
        case regMixup
    }

    /// The method by which images are mixed.
    package var name = Name.none
    /// Both parameters of the beta distribution of the mixing weight; 0 for the method's default:
    /// mixup 0.2, cutMix 1, regMixup 20.
    package var alpha = 0.0
    /// The probability that a batch is mixed, from 0 to 1; without effect on regMixup, which mixes
    /// all batches.
    package var probability = 1.0

    package init() {}

    /// Both parameters of the beta distribution.
    package var resolvedAlpha: Double {
        guard alpha == 0 else { return alpha }
        return switch name {
        case .none, .cutMix: 1
        case .mixup: 0.2
        case .regMixup: 20
        }
    }

    func validate(training: TrainingConfiguration) throws(ConfigurationError) {
        try check(
            alpha >= 0 && alpha.isFinite, "mixing.alpha", alpha,
            "a finite number above 0, or 0 for the method's default")
        try check(
            (0...1).contains(probability), "mixing.probability", probability, "a number from 0 to 1")
        try check(
            name == .none || training.microbatch >= 2, "mixing.name", name.rawValue,
            "none, as images are mixed within their microbatch and training.microbatch is 1")
    }
}
