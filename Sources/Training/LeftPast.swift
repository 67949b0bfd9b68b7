internal import Checkpoints

/// What is later in a run directory than where the run goes on: kept out of its way.
struct LeftPast {
    /// What the user should know.
    var notices: [String]
    /// Whether the best model up to there is known.
    var isBestKnown = true

    /// Nothing to keep.
    init(notices: [String]) { self.notices = notices }

    /// Keeps later checkpoints, the best model and the log of another past aside.
    ///
    /// - Parameter step: Where the run goes on, in updates.
    /// - Throws: If the folder cannot be listed, or a file in it not be written.
    init(
        _ setup: TrainingSetup, step: Int, _ store: CheckpointStore, _ directory: RunDirectory,
        _ resume: ResumeMode
    ) throws {
        notices = try store.setAside(after: step).map {
            "a later checkpoint than this run starts from is kept as \($0)"
        }
        if setup.leavesPast { try leaveBest(setup, step: step, store) }
        try store.correctLatest()
        if resume != .automatic, EventLog.reaches(beyond: step, path: directory.metricsPath),
            let aside = CheckpointStore.copyAside(directory.metricsPath, as: "abandoned")
        {
            notices.append("the log of what is left behind is kept as \(aside)")
        }
    }

    private mutating func leaveBest(_ setup: TrainingSetup, step: Int, _ store: CheckpointStore) throws {
        let best = try store.goBack(to: setup.resumed, stepsPerEpoch: setup.stepsPerEpoch)
        isBestKnown = best.isKnown
        if let aside = best.aside {
            notices.append("the best model of what is left behind is kept as \(aside)")
        }
        if !isBestKnown {
            notices.append(
                "the best model up to step \(step) is on no file here: the best is chosen from the next epoch on"
            )
        }
    }
}
