package import Detection
internal import Inference
package import RunConfiguration

extension RunConfiguration {
    /// The options of scores.
    package var scoreOptions: ScoreOptions {
        let temperature: FeatureTemperature =
            switch evaluation.temperature {
            case .automatic: .automatic
            case .training: .training
            case .none: .none
            }
        return ScoreOptions(
            temperature: temperature, grood: evaluation.grood == .exact ? .exact : .openOOD)
    }

    /// The scores of `evaluation.scores`; of `t2fnorm` and `msp`, which are equal on one network,
    /// only the one named for the head.
    package var distinctScores: [ScoreDefinition] {
        let names = evaluation.scores.compactMap { try? ScoreCatalogue.standard.score($0.text) }
        let (own, other): (ScoreDefinition, ScoreDefinition) =
            head.name == .t2fnorm ? (.t2fnorm, .msp) : (.msp, .t2fnorm)
        return names.contains(own) ? names.filter { $0 != other } : names
    }

    /// The settings that a score's confidences depend on, by
    /// `ScoreOptions.description(of:trained:classes:)`.
    package func scoreDescription(of score: ScoreDefinition) -> String? {
        scoreOptions.description(of: score, trained: trainedTemperature, classes: network.classes)
    }

    /// The temperature that scores divide features by, in words; `nil` for a head without a
    /// temperature.
    package var scoringTemperature: String? {
        guard let trained = trainedTemperature else { return nil }
        return scoreOptions.temperature.divisor(trained: trained, classes: network.classes).map { "\($0)" }
            ?? "none"
    }

    private var trainedTemperature: Float? { head.name == .t2fnorm ? Float(head.temperature) : nil }
}
