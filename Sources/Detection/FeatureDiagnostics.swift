package import Metrics

/// Diagnostics of a network's feature norms on each set of a benchmark.
package struct FeatureDiagnostics: Equatable, Sendable {
    /// One set.
    package struct Row: Equatable, Sendable {
        package var name: String
        package var count: Int
        /// The mean of `‖h‖₂`.
        package var meanNorm: Double
        /// The in-distribution test set's mean norm divided by this set's.
        package var normRatio: Double
        /// AUROC in percent with `‖h‖₂`, the normalised forward pass and each temperature of the
        /// sweep as confidence; `nil` for the in-distribution test set itself.
        package var areas: Areas?
    }

    package struct Areas: Equatable, Sendable {
        package var norm: Double
        package var normalized: Double
        package var sweep: [Double]
    }

    /// The temperatures of the sweep.
    package let temperatures: [Float]
    /// The in-distribution test set, then the others in the order of the benchmark.
    package let rows: [Row]

    /// - Parameter sets: Scored with `measure`; the in-distribution test set first.
    /// - Throws: `RankingMetricsError` with the dataset that has a NaN or infinite value.
    package init(_ sets: [ScoredSet], _ measure: FeatureMeasure) throws(RankingMetricsError) {
        temperatures = measure.temperatures
        let inDistribution = sets[0]
        let mean = Self.mean(inDistribution.measures[0])
        var rows = [
            Row(name: inDistribution.name, count: inDistribution.count, meanNorm: mean, normRatio: 1)
        ]
        for set in sets.dropFirst() {
            var areas: [Double] = []
            for index in measure.names.indices {
                areas.append(try Self.area(inDistribution, set, index, measure.names[index]))
            }
            let own = Self.mean(set.measures[0])
            rows.append(
                Row(
                    name: set.name, count: set.count, meanNorm: own, normRatio: mean / own,
                    areas: Areas(norm: areas[0], normalized: areas[1], sweep: Array(areas.dropFirst(2)))))
        }
        self.rows = rows
    }

    private static func area(
        _ inDistribution: ScoredSet, _ set: ScoredSet, _ index: Int, _ name: String
    ) throws(RankingMetricsError) -> Double {
        do {
            return try 100
                * RankingMetrics(
                    inDistribution: inDistribution.measures[index].map(Double.init),
                    outOfDistribution: set.measures[index].map(Double.init)
                ).areaUnderROC
        } catch {
            var error = error
            error.score = name
            error.dataset = set.name
            throw error
        }
    }

    private static func mean(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) } / Double(values.count)
    }
}
