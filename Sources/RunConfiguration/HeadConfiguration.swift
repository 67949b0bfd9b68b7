/// The last layer.
public struct HeadConfiguration: Codable, Equatable, Sendable {
    public enum Name: String, Choice {
        /// A linear layer on features normalised to length 1/τ in training.
        case t2fnorm
        /// A linear layer.
        case linear
    }

    public var name = Name.t2fnorm
    /// τ of the T2FNorm head; without effect on others.
    public var temperature = 0.1

    public init() {}

    func validate() throws(ConfigurationError) {
        try check(
            temperature > 0 && temperature.isFinite, "head.temperature", temperature,
            "a finite number above 0")
    }
}
