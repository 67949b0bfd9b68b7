internal import Datasets
package import Detection
package import Reporting
package import RunConfiguration

/// How runs are evaluated.
package struct EvaluationOptions {
    /// Settings on top of each run's configuration, as `key=value`.
    package var settings: [String] = []
    /// The scores to compute; if empty, the configuration's.
    package var scores: [ScoreDefinition] = []
    /// The folder of the benchmark's packed sets; `nil` for the one that its file names.
    package var data: String?
    /// Names of the benchmark's optional sets to include.
    package var optionalSets: [String] = []
    /// Whether the settings of scores are searched for, also if the configuration does not ask for
    /// it.
    package var searches = false
    /// Whether every sample's scores are written.
    package var savesScores = false
    /// Gives every cell of the tables an interval; `nil` for none.
    package var bootstrap: Bootstrap?
    /// Whether the norms of features are measured.
    package var measuresFeatures = false
    /// Folders of the other runs of an ensemble.
    package var ensemble: [String] = []
    /// The model's file below the run's checkpoints, or `latest`.
    package var checkpoint = "best.h5"
    /// A folder on a local disk of each host to copy the datasets to; `nil` to read them in place.
    package var stage: String?
    /// Makes the progress of copying a dataset.
    package var makeCopyProgress: (_ path: String) -> any CopyProgress
    /// Called if a configuration uses earlier names of settings.
    package var notice: (RenamedSettings) -> Void

    package init(
        makeCopyProgress: @escaping (_ path: String) -> any CopyProgress,
        notice: @escaping (RenamedSettings) -> Void
    ) {
        self.makeCopyProgress = makeCopyProgress
        self.notice = notice
    }
}

/// Observes the evaluation of a run on rank 0.
package protocol EvaluationObserver {
    /// - Parameter threads: The threads of the ranks, in words.
    func show(threads: String)

    /// - Parameter fitting: The sets on which scores are fitted.
    func start(run: String, benchmark: Benchmark, fitting: [NamedSet], worldSize: Int)

    /// Called with the scores before they are computed.
    func announceCost(of scores: [ScoreDefinition])

    /// - Parameter done: Records of the set that this rank has scored.
    func progress(set: String, done: Int)

    /// Called with the settings that the search has chosen.
    func show(_ choices: [ScoreChoice])

    /// Called with a table of one run.
    func show(_ table: Table, title: String)
}
