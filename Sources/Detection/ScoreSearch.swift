internal import Cluster
package import Inference
internal import Metrics
package import Workers

/// The settings that a search chose for a score.
package struct ScoreChoice: Equatable, Sendable {
    package let score: ScoreDefinition
    /// The settings chosen.
    package let settings: [ScoreSetting]
    /// AUROC between the validation sets, from 0 to 1.
    package let areaUnderROC: Double
    /// How many combinations were tried.
    package let triedCount: Int
}

extension ScoreChoice: CustomStringConvertible {
    package var description: String {
        "\(settings.map(\.description).joined(separator: ", ")), the best of \(triedCount)"
    }
}

/// OpenOOD's search for a score's settings (APS): it chooses those with the largest AUROC between
/// the in-distribution and the out-of-distribution validation set.
///
/// Zhang et al.: "OpenOOD v1.5: Enhanced benchmark for out-of-distribution detection", 2023, arXiv
/// 2306.09301, section 3. Ties go to the first setting. Features and logits are computed once, and
/// so are captured values that several settings share. All results are the same on all ranks.
package final class ScoreSearch {
    private let fit: FitContext
    private let outliers: FeatureShard
    private let outlierImages: ImagePass
    private let pool: WorkerPool
    private var captured: [String: [Float]] = [:]

    /// - Parameter outliers: The rank's shard of the out-of-distribution validation set, and its
    ///   images.
    package init(_ fit: FitContext, outliers: FeatureShard, images: ImagePass, pool: WorkerPool) {
        self.fit = fit
        self.outliers = outliers
        outlierImages = images
        self.pool = pool
    }

    /// The score with the best settings, or with its default settings if there is nothing to
    /// search. Collective.
    ///
    /// - Throws: `FitError` if every setting's AUROC is 0, or `RankingMetricsError` for NaN
    ///   confidences.
    package func makeScore(_ definition: ScoreDefinition) throws -> (score: any Score, choice: ScoreChoice?) {
        let grid = try definition.searchGrid(fit)
        var best: (settings: [ScoreSetting], area: Double)?
        for (settings, area) in zip(grid, try areas(definition, grid)) where area > best?.area ?? 0 {
            best = (settings, area)
        }
        guard !grid.isEmpty else { return (try definition.makeScore(fit), nil) }
        guard let best else {
            throw FitError(
                score: definition,
                reason: """
                    no setting ranks a validation image above an out-of-distribution one, expected at least one; check that \
                    evaluation.outlierValidation is out of distribution
                    """)
        }
        return (
            try definition.makeScore(fit, settings: best.settings),
            ScoreChoice(
                score: definition, settings: best.settings, areaUnderROC: best.area, triedCount: grid.count)
        )
    }

    /// The AUROC of each of the grid's settings.
    private func areas(_ definition: ScoreDefinition, _ grid: [[ScoreSetting]]) throws -> [Double] {
        if let makeGrid = definition.traits.grid { return try areas(definition, grid, makeGrid) }
        return try grid.map { settings in
            let score = try definition.makeScore(fit, settings: settings)
            return try area(
                inside: confidences(score, fit.validation) { try fit.capturedValidation($0) },
                outside: confidences(score, outliers) { try capturedOutliers($0) }, definition, settings)
        }
    }

    /// The same for a score that computes all settings together.
    private func areas(
        _ definition: ScoreDefinition, _ grid: [[ScoreSetting]],
        _ makeGrid: ([ScoreSettings], FitContext) throws -> any GridScore
    ) throws -> [Double] {
        guard !grid.isEmpty else { return [] }
        let score = try makeGrid(grid.map { ScoreSettings(of: definition, $0) }, fit)
        let communicator = fit.communicator
        let inside = try score.confidences(of: fit.validation, on: communicator, pool: pool)
        let outside = try score.confidences(of: outliers, on: communicator, pool: pool)
        return try grid.indices.map { index in
            try area(
                inside: gathered(inside[index]), outside: gathered(outside[index]), definition, grid[index])
        }
    }

    private func area(
        inside: [Double], outside: [Double], _ definition: ScoreDefinition, _ settings: [ScoreSetting]
    ) throws -> Double {
        do {
            return try RankingMetrics(inDistribution: inside, outOfDistribution: outside).areaUnderROC
        } catch {
            var error = error
            error.score = ([definition.title] + settings.map(\.description)).joined(separator: ", ")
            error.dataset = "validation"
            throw error
        }
    }

    /// The confidences of a set, gathered from all ranks in record order.
    private func confidences(
        _ score: any Score, _ shard: FeatureShard, capture: (any NetworkProbe) throws -> [Float]
    ) throws -> [Double] {
        if let score = score.sharded {
            return try gathered(score.confidences(of: shard, on: fit.communicator, pool: pool))
        }
        guard let probe = score.probe else {
            return try gathered(score.confidences(shard.input, on: pool))
        }
        let values = try capture(probe)
        return try gathered(score.confidences(shard.input(captured: values), on: pool))
    }

    private func gathered(_ own: [Double]) throws -> [Double] { try fit.communicator.allGather(own.span) }

    private func capturedOutliers(_ probe: any NetworkProbe) throws -> [Float] {
        if let known = captured[probe.key] { return known }
        var values: [Float] = []
        try outlierImages.forEachCapturedBatch(probe, outliers) { values += $1 }
        captured[probe.key] = values
        return values
    }
}
