package import Detection
internal import Networks
package import RunConfiguration

extension KnownNames {
    /// The networks and scores that this program implements.
    package static let known = KnownNames(
        networks: NetworkName.allCases.map(\.rawValue), scores: ScoreCatalogue.standard.names,
        featureScores: ScoreCatalogue.standard.ofFeatures.map(\.name)
    ) { text throws(ConfigurationError) in
        try ScoreCatalogue.standard.score(text, key: "evaluation.scores").title
    }
}

extension ScoreCatalogue {
    /// As `score(_:)`, with an error that names the setting or option, and the nearest known name.
    ///
    /// - Parameter key: The setting or option that the text is the value of.
    package func score(_ text: String, key: String) throws(ConfigurationError) -> ScoreDefinition {
        do {
            return try score(text)
        } catch {
            throw ConfigurationError(
                key: key, found: error.found, expected: error.expected, suggestion: error.suggestion)
        }
    }
}

extension ScoreError {
    /// The known name that was most likely meant.
    package var suggestion: String? { unknown.flatMap { nearestName(to: $0, among: known) } }
}
