internal import Cluster
internal import Networks
public import RunConfiguration

extension RunConfiguration {
    /// Reads and checks a run's settings.
    ///
    /// - Parameters:
    ///   - files: YAML files; a later one overrides an earlier one.
    ///   - settings: `key.key=value` each, on top of the files, as `t2fnorm train --set` takes them.
    /// - Throws: If a file cannot be read, or with all settings that are unknown or of a wrong type
    ///   or value. Names of scores are checked when a run is evaluated.
    public init(files: [String], settings: [String] = []) throws(ConfigurationError) {
        self = try RunConfiguration.load(files: files, overrides: settings, names: nil)
        _ = try networkName()
    }
}

extension Trainer {
    /// A run of this process alone, on all its threads. The command `t2fnorm train` runs the same
    /// on many ranks, with the same bits.
    ///
    /// - Parameters:
    ///   - configuration: The run's settings.
    ///   - observer: Called with each event, in order, on the thread of `run`.
    public convenience init(
        _ configuration: RunConfiguration, observer: @escaping (TrainingEvent) -> Void = { _ in }
    ) {
        self.init(configuration, communicator: LocalCommunicator(), observer: observer)
    }

    /// Trains to the end of the last epoch, or to `training.stopAfterSteps`. The run's files are in
    /// `configuration.runDirectory`.
    ///
    /// - Parameter resume: What the run resumes from.
    /// - Returns: Whether the run is done, or stopped with a checkpoint.
    /// - Throws: An error whose description is one line: the data, a checkpoint or the run's folder
    ///   cannot be used, another job uses it, or the loss is NaN or infinite.
    @discardableResult
    public func run(resume: ResumeMode = .automatic) throws -> Outcome {
        try run(resume: resume, allowedChanges: [], job: nil, takesOver: false)
    }
}
