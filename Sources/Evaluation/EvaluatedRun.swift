package import Checkpoints
package import Detection
package import Files
internal import Foundation
package import Metrics
package import Reporting
package import RunConfiguration
internal import Training

/// One run with all its seeds after an evaluation.
package struct EvaluatedRun {
    /// The run's folder, or that of one seed.
    package let folder: String
    /// The seeds' folders.
    package let seedFolders: [String]
    /// The record of each seed, all of one benchmark.
    package let seeds: [EvaluationRecord]

    package init(folder: String, seedFolders: [String], seeds: [EvaluationRecord]) {
        self.folder = folder
        self.seedFolders = seedFolders
        self.seeds = seeds
    }

    /// Reads the records of a run's seeds on a benchmark.
    ///
    /// - Parameter benchmark: `nil` for the only benchmark that the run was evaluated on.
    package init(keptIn folder: String, benchmark: String?) throws(CheckpointError) {
        let seedFolders = try RunDirectory.seedFolders(of: folder)
        let benchmark = try Self.benchmark(benchmark, of: seedFolders)
        var seeds: [EvaluationRecord] = []
        for seed in seedFolders {
            let found: EvaluationRecord?
            do {
                found = try EvaluationRecord(run: seed, benchmark: benchmark)
            } catch {
                throw CheckpointError(
                    path: error.path, reason: "could not read: \(error.reason)",
                    isSystemFault: error.isSystemFault)
            }
            guard let kept = found else {
                throw CheckpointError(
                    path: EvaluationRecord.path(run: seed, benchmark: benchmark),
                    reason: "there are no tables that can be read; evaluate the run without --compare first")
            }
            seeds.append(kept)
        }
        self.init(folder: folder, seedFolders: seedFolders, seeds: seeds)
    }

    /// Throws if a score has no table on the same sets for all seeds.
    package func check(scores: [ScoreDefinition]) throws(CheckpointError) {
        let known = contenders(.standard).map(\.score)
        for score in scores where !known.contains(score.title) {
            throw CheckpointError(
                path: folder,
                reason: """
                    has no tables of \(score.title) on \(benchmark) that all seeds share; it has \(known.joined(separator: ", ")); \
                    evaluate it without --compare first
                    """)
        }
    }

    /// The named benchmark, or the only one.
    private static func benchmark(
        _ name: String?, of seedFolders: [String]
    ) throws(CheckpointError) -> String {
        if let name { return name }
        let folder = "\(seedFolders[0])/evaluation"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)/results.json") }.sorted()
        guard names.count == 1 else {
            throw CheckpointError(
                path: folder,
                reason: names.isEmpty
                    ? "the run was not evaluated yet; evaluate it without --compare first"
                    : "holds several benchmarks (\(names.joined(separator: ", "))); name one with --benchmark"
            )
        }
        return names[0]
    }

    package var benchmark: String { seeds[0].benchmark }

    /// Throws if the seeds differ in settings that change results, or in the training set, so that
    /// a mean over them makes no sense.
    package func checkSeeds(notice: (RenamedSettings) -> Void) throws(ConfigurationError) {
        let configurations = seedFolders.compactMap { folder in
            (try? RunConfiguration.load(
                files: [RunDirectory(path: folder).configurationPath], names: .known, notice: notice))
                .map {
                    (folder: folder, configuration: $0)
                }
        }
        try SeedAgreement.check(configurations)
        try SeedAgreement.check(
            trainingSets: zip(seedFolders, seeds).map { (folder: $0, fingerprint: $1.training) })
    }

    /// The scores of a task that all seeds have on the same sets, summarised over the seeds.
    ///
    /// - Parameters:
    ///   - title: The run's title in tables.
    ///   - scores: Only these, in this order; if empty, all in the order of the evaluation.
    package func contenders(
        _ task: Benchmark.Task, title: String = "", scores: [ScoreDefinition] = []
    ) -> [Table.Contender] {
        let tables = seeds.map { $0.tables.filter { $0.task == task.rawValue } }
        let names = scores.isEmpty ? tables[0].map(\.score) : scores.map(\.title)
        return names.compactMap { name in
            let own = tables.compactMap { $0.first { $0.score == name } }
            guard own.count == seeds.count, own.allSatisfy({ $0.rows == own[0].rows }) else { return nil }
            return Table.Contender(
                run: title + mark, score: name, summary: BenchmarkSummary(own.map(\.result)))
        }
    }

    /// The suffix of a table's title for a run with unfinished seeds.
    private var mark: String {
        let count = seeds.count { $0.unfinished != nil }
        guard count > 0 else { return "" }
        return seeds.count == 1 ? " (unfinished)" : " (\(count) of \(seeds.count) seeds unfinished)"
    }

    /// Writes the summary over the seeds beside their folders:
    /// `evaluation/<benchmark>/{ood,fsood}/<score>.csv` with `mean ± std` in OpenOOD's layout, and
    /// `table.md`. Writes nothing for a single seed.
    package func writeSummary() throws(FileError) {
        guard seeds.count > 1 else { return }
        for task in Benchmark.Task.allCases {
            for contender in contenders(task) {
                try writeFile(
                    Table(contender.summary).csv,
                    to: "\(folder)/evaluation/\(benchmark)/\(task.rawValue)/\(contender.score).csv")
            }
        }
        try writeFile(markdown, to: "\(folder)/evaluation/\(benchmark)/table.md")
    }

    /// The run's tables, one per task and score with the rows and columns of the published tables,
    /// and the remarks.
    package var markdown: String {
        let tables = Benchmark.Task.allCases.flatMap { task in
            contenders(task).map {
                "## \(task.rawValue), \($0.score)\n\n" + Table($0.summary, unknown: "–").markdown
            }
        }
        let place = folder.split(separator: "/").suffix(2).joined(separator: "/")
        return (["# \(place) on \(benchmark)\n"] + tables + markdownList(remarks())).joined(separator: "\n")
    }
}

/// Side-by-side tables as Markdown, one section per task, with the remarks below.
package func comparisonMarkdown(
    _ tasks: [(Benchmark.Task, [Table.Contender])], benchmark: String, remarks: [String]
) -> String {
    let sections = tasks.filter { !$0.1.isEmpty }.map { task, contenders in
        "## \(benchmark), \(task.rawValue)\n\n"
            + Table(comparing: contenders, metrics: MetricColumn.ranking).markdown
    }
    return (sections + markdownList(remarks)).joined(separator: "\n")
}

private func markdownList(_ lines: [String]) -> [String] {
    lines.isEmpty ? [] : [lines.map { "- \($0)\n" }.joined()]
}

extension MetricColumn {
    /// All metrics except the accuracy, which is the same in every row of a table.
    package static var ranking: [MetricColumn] { allCases.filter { $0 != .accuracy } }
}
