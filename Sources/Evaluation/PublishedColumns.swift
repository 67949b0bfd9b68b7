package import Detection
package import Metrics
package import Reporting
package import RunConfiguration

extension BenchmarkDefinition {
    /// The published results of a task for some training methods and the given scores.
    package func contenders(
        _ task: Benchmark.Task, trainings: [String], scores: [String]
    ) -> [Table.Contender] {
        trainings.flatMap { training in
            published.filter {
                $0.training == training && $0.isFullSpectrum == (task == .fullSpectrum)
                    && scores.contains($0.score)
            }.map {
                Table.Contender(
                    run: "published: \(training)", score: $0.score, summary: $0.summary, isPublished: true)
            }
        }
    }

    /// Throws for a training method without published results.
    package func check(trainings: [String]) throws(ConfigurationError) {
        var known: [String] = []
        for result in published where !known.contains(result.training) { known.append(result.training) }
        for training in trainings where !known.contains(training) {
            throw ConfigurationError(
                key: "--published", found: training,
                expected: known.isEmpty
                    ? "nothing, as \(name) has no published numbers"
                    : "some of \(known.joined(separator: ", "))")
        }
    }
}

extension PublishedResult {
    /// The numbers in the shape of a table.
    package var summary: BenchmarkSummary {
        let spread = { (value: Value?) in value.map { Spread(mean: $0.mean, deviation: $0.deviation ?? 0) } }
        let values = rows.map { row in
            MetricColumn.allCases.enumerated().map { index, column in
                column == .accuracy
                    ? spread(accuracy) : index < row.values.count ? spread(row.values[index]) : nil
            }
        }
        let hasDeviations = rows.contains { $0.values.contains { $0?.deviation != nil } }
        return BenchmarkSummary(
            rows: rows.map { BenchmarkRow(name: $0.name) }, values: values, runCount: hasDeviations ? 2 : 1)
    }
}
