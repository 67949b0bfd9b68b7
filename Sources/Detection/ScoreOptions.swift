/// What can be chosen of scores beside the settings that a search finds.
public struct ScoreOptions: Equatable, Sendable {
    /// Whether scores of a T2FNorm network see features divided by its temperature.
    public enum Temperature: String, Sendable {
        /// They do unless there are 1000 classes: the published ImageNet-1k network was fine-tuned, and is scored without τ.
        case automatic
        /// They do.
        case training
        /// They see features as they are.
        case none
    }

    public var temperature: Temperature
    /// What `grood` compares with.
    public var grood: GradientNeighbors.Records

    public init(temperature: Temperature = .automatic, grood: GradientNeighbors.Records = .openOOD) {
        self.temperature = temperature
        self.grood = grood
    }

    /// What scores see features divided by.
    ///
    /// - Parameter trained: τ of the network's head; `nil` for a head without.
    /// - Returns: `nil` for nothing.
    public func temperature(_ trained: Float?, classes: Int) -> Float? {
        switch temperature {
        case .automatic: classes == 1000 ? nil : trained
        case .training: trained
        case .none: nil
        }
    }

    /// What a score's confidences depend on beside the network and the images; `nil` for what has been so from the first version on.
    ///
    /// Confidences of another description must not stand beside these.
    public func description(of score: ScoreName, trained: Float?, classes: Int) -> String? {
        var parts: [String] = []
        let used = temperature(trained, classes: classes)
        if used != ScoreOptions().temperature(trained, classes: classes) {
            parts.append(used.map { "temperature \($0)" } ?? "no temperature")
        }
        switch score {
        case .openmax, .klm: parts.append("double precision")
        case .cfood: parts.append("neighbours without the reference")
        case .grood: parts.append("records \(grood.rawValue)")
        default: break
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
