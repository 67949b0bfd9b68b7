import Detection
import RunConfiguration

extension RunConfiguration {
    /// What can be chosen of scores.
    var scoreOptions: ScoreOptions {
        let temperature: ScoreOptions.Temperature =
            switch evaluation.temperature {
            case .automatic: .automatic
            case .training: .training
            case .none: .none
            }
        return ScoreOptions(
            temperature: temperature, grood: evaluation.grood == .exact ? .exact : .openOOD)
    }

    /// The scores of `evaluation.scores`, without the second of two that are the same on this network.
    var distinctScores: [ScoreName] {
        let names = evaluation.scores.compactMap(ScoreName.init)
        let (own, other): (ScoreName, ScoreName) = head.name == .t2fnorm ? (.t2fnorm, .msp) : (.msp, .t2fnorm)
        return names.contains(own) ? names.filter { $0 != other } : names
    }

    /// What a score's confidences depend on beside weights and images, `ScoreOptions.description(of:trained:classes:)`.
    func scoreDescription(of score: ScoreName) -> String? {
        scoreOptions.description(of: score, trained: trainedTemperature, classes: network.classes)
    }

    /// What scores see features divided by, in words; `nil` of a head without a temperature.
    var scoringTemperature: String? {
        guard let trained = trainedTemperature else { return nil }
        return scoreOptions.temperature(trained, classes: network.classes).map { "\($0)" } ?? "none"
    }

    private var trainedTemperature: Float? { head.name == .t2fnorm ? Float(head.temperature) : nil }
}
