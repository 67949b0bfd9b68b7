public import Files
internal import Foundation
public import RunConfiguration

/// The folder of a run's files: `<output>/<name>/s<seed>/`.
public struct RunDirectory: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The folder that `configuration` names.
    public init(_ configuration: RunConfiguration) {
        path = "\(configuration.output)/\(configuration.name)/s\(configuration.seed)"
    }

    /// The resolved configuration.
    public var configurationPath: String { "\(path)/config.yml" }
    /// One JSON object per line: every logged step and every epoch.
    public var metricsPath: String { "\(path)/metrics.jsonl" }
    /// The lock, which exists while a job writes to the directory.
    public var lockPath: String { "\(path)/run.lock" }
    /// Identifies the job that wrote the newest checkpoints, if a script starts it several times.
    var jobPath: String { "\(path)/job" }
    public var checkpointsPath: String { "\(path)/checkpoints" }
    /// Tables of one benchmark, with a folder for each task.
    public func evaluationPath(benchmark: String) -> String { "\(path)/evaluation/\(benchmark)" }

    /// Creates the folder and its parents.
    public func create() throws(FileError) { try createFolder(path) }
}

extension RunDirectory {
    /// Writes the resolved configuration.
    public func write(_ configuration: RunConfiguration) throws(FileError) {
        try writeFile(configuration.yaml, to: configurationPath)
    }

    /// The job that wrote the newest checkpoints; `nil` if none was recorded.
    var job: String? { try? String(contentsOfFile: jobPath, encoding: .utf8) }

    /// Records that `job` has written the newest checkpoint.
    func write(job: String) throws(FileError) { try writeFile(job, to: jobPath) }
}
