internal import Checkpoints

/// Files in a run directory that are later than the step at which the run resumes. They are kept
/// under other names, so that the run does not use them.
struct AbandonedSteps {
    /// Notices for the user.
    var notices: [String]
    /// Whether the best model up to that step is known.
    var isBestKnown = true

    /// No later files.
    init(notices: [String]) { self.notices = notices }

    /// Renames later checkpoints and the best model of abandoned steps, and copies their log.
    ///
    /// - Parameter step: The update after which the run resumes.
    /// - Throws: If the folder cannot be listed, or a file in it cannot be written.
    init(
        _ setup: TrainingSetup, step: Int, _ store: CheckpointStore, _ directory: RunDirectory,
        _ resume: ResumeMode
    ) throws {
        notices = try store.setAside(after: step).map {
            "a checkpoint after the step at which this run starts is kept as \($0)"
        }
        if setup.abandonsSteps { try leaveBest(setup, step: step, store) }
        try store.correctLatest()
        if resume != .automatic, EventLog.reaches(beyond: step, path: directory.metricsPath),
            let aside = CheckpointStore.copyAside(directory.metricsPath, as: "abandoned")
        {
            notices.append("the log of the abandoned steps is kept as \(aside)")
        }
    }

    private mutating func leaveBest(_ setup: TrainingSetup, step: Int, _ store: CheckpointStore) throws {
        let best = try store.goBack(to: setup.resumed, stepsPerEpoch: setup.stepsPerEpoch)
        isBestKnown = best.isKnown
        if let aside = best.aside {
            notices.append("the best model of the abandoned steps is kept as \(aside)")
        }
        if !isBestKnown {
            notices.append(
                "no file here has the best model up to step \(step): the best is chosen from the next epoch on"
            )
        }
    }
}
