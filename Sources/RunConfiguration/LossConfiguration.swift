/// What training minimises.
public struct LossConfiguration: Codable, Equatable, Sendable {
    public enum Name: String, Choice {
        /// Cross-entropy of the logits.
        case crossEntropy
        /// Cross-entropy of logits divided by their norm and by τ.
        case logitNorm
    }

    public var name = Name.crossEntropy
    /// τ of `logitNorm`; without effect on others.
    public var temperature = 0.04
    /// The weight of the uniform distribution in the target (label smoothing), from 0 up to 1.
    public var smoothing = 0.0

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            temperature > 0 && temperature.isFinite, "loss.temperature", temperature,
            "a finite number above 0")
        try check(
            smoothing >= 0 && smoothing < 1, "loss.smoothing", smoothing,
            "a number from 0 up to, but not including, 1")
    }
}
