/// Training on mixtures of two images, which are predicted as both classes.
public struct MixingConfiguration: Codable, Equatable, Sendable {
    public enum Name: String, Choice {
        case none
        /// The weighted mean of two images.
        case mixup
        /// An image with a box of another.
        case cutMix
        /// A batch as it is, and its mixup beside it: two samples an image.
        case regMixup
    }

    public var name = Name.none
    /// Both parameters of the beta distribution of the share; 0 for the method's usual: mixup 0.2, cutMix 1, regMixup 20.
    public var alpha = 0.0
    /// How likely a batch is to be mixed, from 0 to 1; of no effect on regMixup, which mixes all.
    public var probability = 1.0

    public init() {}

    /// Both parameters of the beta distribution.
    public var resolvedAlpha: Double {
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
            "a finite number above 0, or 0 for the method's usual")
        try check(
            (0...1).contains(probability), "mixing.probability", probability, "a number from 0 to 1")
        try check(
            name == .none || training.lane >= 2, "mixing.name", name.rawValue,
            "none, as images are mixed within their lane and training.lane is 1")
    }
}
