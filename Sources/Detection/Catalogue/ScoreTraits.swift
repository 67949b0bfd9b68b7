/// Properties of a score that most scores leave at their defaults.
package struct ScoreTraits: Sendable {
    /// The setting that varies fastest in a search.
    package enum GridOrder: Sendable {
        case firstFastest, lastFastest
    }

    /// The network passes that the score needs besides the forward pass that all scores share;
    /// `nil` for none.
    package var passes: String?
    /// The precision of the confidences.
    package var precision = ScorePrecision.single
    /// Whether OpenOOD's published numbers use searched settings, if there are any to search.
    package var isSearchedByOpenOOD = true
    /// The order in which a search tries combinations; the first of equally good ones is chosen.
    package var gridOrder = GridOrder.firstFastest
    /// Two settings of which the first must be below the second.
    package var ascending: (low: String, high: String)?
    /// Choices besides the settings, network and images that the confidences depend on;
    /// `nil` if they are those of the first version. See
    /// `ScoreOptions.description(of:trained:classes:)`.
    package var choices: (@Sendable (ScoreOptions) -> String)?
    /// Computes the confidences of several settings at the cost of one; `nil` if each is computed
    /// alone.
    package var grid: (@Sendable ([ScoreSettings], FitContext) throws -> any GridScore)?
}
