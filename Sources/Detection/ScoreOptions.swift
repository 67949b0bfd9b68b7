/// Options of scores other than the settings that a search finds.
package struct ScoreOptions: Equatable, Sendable {
    /// Whether scores of a T2FNorm network divide features by its temperature τ.
    package enum Temperature: String, Sendable {
        /// Features are divided by τ unless there are 1000 classes: the published ImageNet-1k
        /// network was fine-tuned and is scored without τ.
        case automatic
        /// Features are divided by τ.
        case training
        /// Features are not divided.
        case none
    }

    package var temperature: Temperature
    /// The records that `grood` compares with.
    package var grood: GradientNeighbors.Records

    package init(temperature: Temperature = .automatic, grood: GradientNeighbors.Records = .openOOD) {
        self.temperature = temperature
        self.grood = grood
    }

    /// The temperature that features are divided by.
    ///
    /// - Parameter trained: τ of the network's head; `nil` for a head without τ.
    /// - Returns: `nil` if features are not divided.
    package func temperature(_ trained: Float?, classes: Int) -> Float? {
        switch temperature {
        case .automatic: classes == 1000 ? nil : trained
        case .training: trained
        case .none: nil
        }
    }

    /// A description of the choices besides the network and the images that a score's confidences
    /// depend on; `nil` if they are those of the first version.
    ///
    /// Confidences with different descriptions must not be compared.
    package func description(of score: ScoreName, trained: Float?, classes: Int) -> String? {
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
