package import Inference

/// Options of scores other than the settings that a search finds.
package struct ScoreOptions: Equatable, Sendable {
    /// Whether scores divide features by τ.
    package var temperature: FeatureTemperature
    /// The records that `grood` compares with.
    package var grood: GradientNeighbors.Records

    package init(temperature: FeatureTemperature = .automatic, grood: GradientNeighbors.Records = .openOOD) {
        self.temperature = temperature
        self.grood = grood
    }

    /// A description of the choices besides the network and the images that a score's confidences
    /// depend on; `nil` if they are those of the first version. The score's own settings are in its
    /// title.
    ///
    /// Confidences with different descriptions must not be compared.
    package func description(of score: ScoreDefinition, trained: Float?, classes: Int) -> String? {
        var parts: [String] = []
        let used = temperature.divisor(trained: trained, classes: classes)
        if used != FeatureTemperature.automatic.divisor(trained: trained, classes: classes) {
            parts.append(used.map { "temperature \($0)" } ?? "no temperature")
        }
        if let choices = score.traits.choices { parts.append(choices(self)) }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
