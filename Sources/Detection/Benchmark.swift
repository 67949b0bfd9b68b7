package import Datasets
package import Metrics

/// A packed set and its name in tables.
package struct NamedSet: Sendable {
    package var name: String
    package var source: any ImageSource

    package init(name: String, source: any ImageSource) {
        self.name = name
        self.source = source
    }
}

/// The sets that a detector is evaluated on.
package struct Benchmark: Sendable {
    /// The in-distribution test set; every label is a class.
    package var inDistribution: NamedSet
    /// Near out-of-distribution sets (similar to the test set), in the table's order.
    package var near: [NamedSet]
    /// Far out-of-distribution sets, in the table's order.
    package var far: [NamedSet]
    /// In-distribution sets with a covariate shift, in order; every label is a class. Together with
    /// the test set they are the in-distribution side of the full-spectrum task.
    package var covariateShifted: [NamedSet]
    /// The names of the near and far sets, including missing ones, in the table's order.
    package var rows: (near: [String], far: [String])

    /// - Parameter rows: By default the names of `near` and `far`.
    package init(
        inDistribution: NamedSet, near: [NamedSet], far: [NamedSet], covariateShifted: [NamedSet] = [],
        rows: (near: [String], far: [String])? = nil
    ) {
        self.inDistribution = inDistribution
        self.near = near
        self.far = far
        self.covariateShifted = covariateShifted
        self.rows = rows ?? (near.map(\.name), far.map(\.name))
    }

    /// The in-distribution test set, then the near, far and covariate-shifted sets.
    package var sets: [NamedSet] { [inDistribution] + near + far + covariateShifted }

    /// The two sides that a detector has to separate.
    package enum Task: String, CaseIterable, Sendable {
        /// The test set against the out-of-distribution sets.
        case standard = "ood"
        /// The test set and the covariate-shifted sets against the out-of-distribution sets.
        case fullSpectrum = "fsood"
    }

    /// The tasks that the benchmark has sets for.
    package var tasks: [Task] { covariateShifted.isEmpty ? [.standard] : Task.allCases }

    /// The scored `sets` on the in-distribution side of a task.
    func inDistributionSide(of task: Task, _ scored: [ScoredSet]) -> [ScoredSet] {
        task == .standard ? [scored[0]] : [scored[0]] + scored.suffix(covariateShifted.count)
    }

    /// The scored `sets` that are out of distribution.
    func outOfDistribution(_ scored: [ScoredSet]) -> [ScoredSet] {
        Array(scored[1..<1 + near.count + far.count])
    }

    /// The ties among one score's confidences over all images of a task.
    package func ties(at index: Int, task: Task, _ scored: [ScoredSet]) -> Ties {
        Ties(
            (inDistributionSide(of: task, scored) + outOfDistribution(scored)).flatMap {
                $0.confidences[index]
            })
    }

    /// The table of one score.
    ///
    /// - Parameters:
    ///   - scored: The `sets`, in their order.
    ///   - index: The score's index in the confidences.
    /// - Throws: `RankingMetricsError` with the score and the dataset whose confidences cannot be
    ///   ranked.
    func result(
        of score: ScoreDefinition, at index: Int, task: Task, _ scored: [ScoredSet]
    ) throws(RankingMetricsError) -> BenchmarkResult {
        let side = inDistributionSide(of: task, scored)
        let confidences = side.flatMap { $0.confidences[index] }
        var metrics: [String: RankingMetrics] = [:]
        for set in outOfDistribution(scored) {
            do {
                metrics[set.name] = try RankingMetrics(
                    inDistribution: confidences, outOfDistribution: set.confidences[index])
            } catch {
                var error = error
                error.score = score.title
                error.dataset = set.name
                throw error
            }
        }
        let accuracies = side.compactMap(\.accuracy)
        return result(
            metrics,
            accuracies.count == side.count ? accuracies.reduce(Accuracy(correct: 0, count: 0), +) : nil)
    }

    /// A table of the metrics of each set.
    func result(_ metrics: [String: RankingMetrics], _ accuracy: Accuracy?) -> BenchmarkResult {
        let entries = { (names: [String]) in
            names.map { BenchmarkResult.Entry(dataset: $0, metrics: metrics[$0]) }
        }
        return BenchmarkResult(near: entries(rows.near), far: entries(rows.far), accuracy: accuracy)
    }
}
