extension ScoreDefinition {
    /// The combinations of settings that OpenOOD's search tries, in its order. Empty if there is
    /// nothing to search, or if settings are chosen by hand. Settings that are too large for the
    /// classifier or the training set are left out.
    ///
    /// - Parameter fit: The context that scores are fitted on. The call is collective for `knn`.
    package func searchGrid(_ fit: FitContext) throws -> [[ScoreSetting]] {
        guard hasSearch else { return [] }
        let searched = parameters.filter { !$0.tried.isEmpty }
        let slowestFirst = traits.gridOrder == .firstFastest ? searched.reversed() : searched
        var grid: [[ScoreSetting]] = [[]]
        for parameter in slowestFirst {
            let values = try parameter.triedValues(fit)
            grid = grid.flatMap { settings in values.map { settings + [ScoreSetting(parameter, $0)] } }
        }
        if traits.gridOrder == .firstFastest { grid = grid.map { $0.reversed() } }
        return grid.filter(areAscending)
    }

    /// Whether the score has settings to search.
    package var hasSearch: Bool { chosen.isEmpty && parameters.contains { !$0.tried.isEmpty } }

    /// Whether OpenOOD's published numbers use searched settings.
    package var isSearchedByOpenOOD: Bool { hasSearch && traits.isSearchedByOpenOOD }

    /// Whether a pair of settings that must ascend does; defaults count for settings not given.
    func areAscending(_ settings: [ScoreSetting]) -> Bool {
        guard let (low, high) = traits.ascending else { return true }
        let all = ScoreSettings(of: self, settings)
        return all.real(low) < all.real(high)
    }
}
