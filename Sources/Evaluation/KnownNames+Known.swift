internal import Detection
internal import Networks
package import RunConfiguration

extension KnownNames {
    /// The networks and scores that this program implements.
    package static let known = KnownNames(
        networks: NetworkName.allCases.map(\.rawValue), scores: ScoreName.allCases.map(\.rawValue),
        featureScores: ScoreName.ofFeatures.map(\.rawValue))
}
