/// The network's head, which follows the features.
package struct HeadConfiguration: Codable, Equatable, Sendable {
    package enum Name: String, Choice {
        /// A linear layer on features normalised to length 1/τ in training.
        case t2fnorm
        /// A linear layer.
        case linear
        /// Two linear layers with a ReLU between, for losses that compare samples; there is no
        /// classifier and no accuracy.
        case projection
    }

    /// The kind of the head.
    package var name = Name.t2fnorm
    /// τ of the T2FNorm head; without effect on others.
    package var temperature = 0.1
    /// The width of the projection head's output; without effect on others.
    package var outputs = 128

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(
            temperature > 0 && temperature.isFinite, "head.temperature", temperature,
            "a finite number above 0")
        try check(
            (1...65_536).contains(outputs), "head.outputs", outputs, "a whole number from 1 to 65536")
    }
}
