package import Detection
internal import Metrics
package import Reporting

extension EvaluatedRun {
    /// Smallest fraction of equal confidences that is reported below the tables.
    private static let leastTies = 0.01

    /// The remarks below a run's tables: those of the seeds, each once, and those on the scores
    /// shown.
    ///
    /// - Parameter scores: Only these; all if empty.
    package func remarks(scores: [ScoreDefinition] = []) -> [String] {
        var remarks: [String] = []
        for remark in seeds.flatMap(\.remarks) + temperatureRemarks + progressRemarks
        where !remarks.contains(remark) {
            remarks.append(remark)
        }
        return remarks + scoreRemarks(scores)
    }

    private var temperatureRemarks: [String] {
        seeds.compactMap(\.temperature).map {
            $0 == "none"
                ? "scores see features as they are, not divided by the head's temperature (evaluation.temperature)"
                : "scores see features divided by the head's temperature, \($0) (evaluation.temperature)"
        }
    }

    private var progressRemarks: [String] {
        zip(seedFolders, seeds).compactMap { folder, seed in seed.unfinished.map { "\(folder) is \($0)" } }
    }

    private func scoreRemarks(_ scores: [ScoreDefinition]) -> [String] {
        Benchmark.Task.allCases.flatMap { task in
            contenders(task, scores: scores).flatMap { contender in
                let tables = tables(task, of: contender.score)
                let place = task == .standard ? contender.score : "\(contender.score) on \(task.rawValue)"
                let searches = task == .standard ? Set(tables.compactMap(\.search)).sorted() : []
                return searches.map { "\(contender.score) with settings searched for: \($0)" }
                    + [tieRemark(place, tables.compactMap(\.ties))].compactMap(\.self)
            }
        }
    }

    /// A remark on equal confidences, which no metric can rank.
    private func tieRemark(_ score: String, _ ties: [Ties]) -> String? {
        let shares = ties.map(\.share)
        guard let most = ties.max(by: { $0.share < $1.share }), most.share >= Self.leastTies else {
            return nil
        }
        let part =
            Set(shares.map(percent)).count == 1
            ? percent(most.share) : "\(percent(shares.min() ?? 0)) to \(percent(most.share))"
        let value = most.value == most.value.rounded() ? "\(Int(most.value))" : "\(Float(most.value))"
        return "\(score): \(part) % of the confidences are exactly \(value), so nothing ranks these images"
    }

    private func percent(_ share: Double) -> String {
        share < 1 && share > 0.995 ? "more than 99" : decimal(100 * share, 0)
    }

    /// The remarks on several runs; a remark that holds for all of them has no run's name.
    package static func remarks(of runs: [EvaluatedRun], scores: [ScoreDefinition] = []) -> [String] {
        let own = runs.map { $0.remarks(scores: scores) }
        var remarks: [String] = []
        for (title, lines) in zip(titles(of: runs.map(\.folder)), own) {
            for line in lines {
                let isCommon = own.allSatisfy { $0.contains(line) }
                let remark = isCommon ? line : "\(title): \(line)"
                if !remarks.contains(remark) { remarks.append(remark) }
            }
        }
        return remarks
    }

    /// Remarks on which columns use settings found by a search, if published columns are shown
    /// beside them.
    package static func searchRemarks(of runs: [EvaluatedRun], published: [Table.Contender]) -> [String] {
        let searched = Set(published.map(\.score)).filter {
            (try? ScoreCatalogue.standard.score($0))?.isSearchedByOpenOOD == true
        }
        guard !searched.isEmpty else { return [] }
        let names = searched.sorted().joined(separator: ", ")
        let line = "published numbers of \(names) use settings searched for on OpenOOD's validation sets"
        let others = zip(titles(of: runs.map(\.folder)), runs).compactMap { title, run -> String? in
            let own = run.unsearched(among: searched)
            return own.isEmpty ? nil : "\(own.joined(separator: ", ")) of \(title)"
        }
        return [
            others.isEmpty
                ? "\(line), and so do these runs"
                : "\(line); default settings: \(others.joined(separator: ", ")) (--search searches as OpenOOD does)"
        ]
    }

    private func unsearched(among scores: Set<String>) -> [String] {
        scores.sorted().filter { score in
            let tables = tables(.standard, of: score)
            return !tables.isEmpty && tables.contains { $0.search == nil }
        }
    }

    /// One score's table of each seed that has one.
    private func tables(_ task: Benchmark.Task, of score: String) -> [EvaluationRecord.ScoreTable] {
        seeds.compactMap { $0.tables.first { $0.task == task.rawValue && $0.score == score } }
    }
}
