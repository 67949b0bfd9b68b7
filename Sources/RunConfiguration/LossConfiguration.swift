/// The loss that training minimises.
package struct LossConfiguration: Codable, Equatable, Sendable {
    package enum Name: String, Choice {
        /// Cross-entropy of the logits.
        case crossEntropy
        /// Cross-entropy of logits divided by their norm and by τ.
        case logitNorm
        /// ReweightOOD: two views of each image, all pairs of a batch, no classifier.
        case reweightOOD
    }

    /// The loss that training minimises.
    package var name = Name.crossEntropy
    /// τ of `logitNorm`; without effect on others.
    package var temperature = 0.04
    /// The weight of the uniform distribution in the target (label smoothing), from 0 up to 1.
    package var smoothing = 0.0

    package init() {}

    /// Whether the loss compares samples with one another instead of with classes; it then takes
    /// two views of each image and a projection head.
    package var comparesPairs: Bool { name == .reweightOOD }

    func validate(
        head: HeadConfiguration, mixing: MixingConfiguration, compute: ComputeConfiguration
    ) throws(ConfigurationError) {
        if comparesPairs {
            try check(
                head.name == .projection, "head.name", head.name.rawValue,
                "projection, as loss.name is \(name.rawValue), which has no use for classes' logits")
            try check(
                mixing.name == .none, "mixing.name", mixing.name.rawValue,
                "none, as loss.name is \(name.rawValue), which compares samples of one class each")
            try check(
                smoothing == 0, "loss.smoothing", smoothing,
                "0, as loss.name is \(name.rawValue), which has no target to smooth")
            try check(
                compute.accumulation <= 1, "compute.accumulation", compute.accumulation,
                "0 or 1, as loss.name is \(name.rawValue), which compares all samples of a batch at once")
        } else {
            try check(
                head.name != .projection, "head.name", head.name.rawValue,
                "linear or t2fnorm, as loss.name is \(name.rawValue), which takes logits; projection goes with reweightOOD"
            )
        }
        try check(
            temperature > 0 && temperature.isFinite, "loss.temperature", temperature,
            "a finite number above 0")
        try check(
            smoothing >= 0 && smoothing < 1, "loss.smoothing", smoothing,
            "a number from 0 up to, but not including, 1")
    }
}
