internal import Cluster
internal import Metrics
package import Workers

/// What a search has chosen for a score.
public struct ScoreChoice: Equatable, Sendable {
    public let score: ScoreName
    /// The settings chosen.
    public let settings: [ScoreSetting]
    /// AUROC between the validation sets, from 0 to 1.
    public let areaUnderROC: Double
    /// How many combinations were tried.
    public let triedCount: Int
}

extension ScoreChoice: CustomStringConvertible {
    public var description: String {
        "\(settings.map(\.description).joined(separator: ", ")), the best of \(triedCount)"
    }
}

/// OpenOOD's search for a score's settings (APS): those that tell validation images from out-of-distribution validation images best.
///
/// Zhang et al.: "OpenOOD v1.5: Enhanced benchmark for out-of-distribution detection", 2023, arXiv 2306.09301, section 3. Of equally
/// good ones the first is taken. Features and logits are computed once, and so is what several settings observe; all is the same on
/// all ranks.
package final class ScoreSearch {
    private let fit: ScoreFit
    private let outliers: FeatureShare
    private let outlierImages: ImagePass
    private let pool: WorkerPool
    private var observed: [String: [Float]] = [:]

    /// - Parameter outliers: The rank's share of the out-of-distribution validation set, and its images.
    package init(_ fit: ScoreFit, outliers: FeatureShare, images: ImagePass, pool: WorkerPool) {
        self.fit = fit
        self.outliers = outliers
        outlierImages = images
        self.pool = pool
    }

    /// The score with the best settings; with its own where there is nothing to choose. Collective.
    ///
    /// - Throws: `ScoreFitError` if no setting ranks the sets at all, or `RankingMetricsError` for confidences that are no numbers.
    package func makeScore(_ name: ScoreName) throws -> (score: any Score, choice: ScoreChoice?) {
        let grid = try name.searchGrid(fit)
        var best: (settings: [ScoreSetting], area: Double)?
        for (settings, area) in zip(grid, try areas(name, grid)) where area > best?.area ?? 0 {
            best = (settings, area)
        }
        guard !grid.isEmpty else { return (try name.makeScore(fit), nil) }
        guard let best else {
            throw ScoreFitError(
                score: name,
                reason: """
                    no setting ranks a validation image above an out-of-distribution one, expected one at least; check that \
                    evaluation.outlierValidation is out of the distribution
                    """)
        }
        return (
            try name.makeScore(fit, settings: best.settings),
            ScoreChoice(
                score: name, settings: best.settings, areaUnderROC: best.area, triedCount: grid.count)
        )
    }

    /// The AUROC of each of the grid's settings.
    private func areas(_ name: ScoreName, _ grid: [[ScoreSetting]]) throws -> [Double] {
        if name == .knn { return try neighborAreas(grid) }
        return try grid.map { settings in
            let score = try name.makeScore(fit, settings: settings)
            return try area(
                inside: confidences(score, fit.validation) { try fit.observedValidation($0) },
                outside: confidences(score, outliers) { try observedOutliers($0) }, name, settings)
        }
    }

    /// The same of `knn`, by one search for the most neighbours.
    private func neighborAreas(_ grid: [[ScoreSetting]]) throws -> [Double] {
        let neighbors = grid.map { Int($0[0].value) }
        guard let most = neighbors.max() else { return [] }
        let score = try NearestNeighbors(fit, neighbor: most)
        let communicator = fit.communicator
        let inside = try score.confidences(
            neighbors: neighbors, of: fit.validation, on: communicator, pool: pool)
        let outside = try score.confidences(neighbors: neighbors, of: outliers, on: communicator, pool: pool)
        return try grid.indices.map { index in
            try area(
                inside: gathered(inside[index]), outside: gathered(outside[index]), .knn, grid[index])
        }
    }

    private func area(
        inside: [Double], outside: [Double], _ name: ScoreName, _ settings: [ScoreSetting]
    ) throws -> Double {
        do {
            return try RankingMetrics(inDistribution: inside, outOfDistribution: outside).areaUnderROC
        } catch {
            var error = error
            error.score = ([name.rawValue] + settings.map(\.description)).joined(separator: ", ")
            error.dataset = "validation"
            throw error
        }
    }

    /// The confidences of a set, of all ranks in the order of records.
    private func confidences(
        _ score: any Score, _ share: FeatureShare, observe: (any Observation) throws -> [Float]
    ) throws -> [Double] {
        if let score = score as? any ShardedScore {
            return try gathered(score.confidences(of: share, on: fit.communicator, pool: pool))
        }
        guard let observation = score.observation else {
            return try gathered(score.confidences(share.input, on: pool))
        }
        let values = try observe(observation)
        return try gathered(score.confidences(share.input(observed: values), on: pool))
    }

    private func gathered(_ own: [Double]) throws -> [Double] { try fit.communicator.allGather(own.span) }

    private func observedOutliers(_ observation: any Observation) throws -> [Float] {
        if let known = observed[observation.key] { return known }
        var values: [Float] = []
        try outlierImages.forEachObservation(observation, outliers) { values += $1 }
        observed[observation.key] = values
        return values
    }
}
