package import Files
internal import Foundation
package import RunConfiguration

/// The folder of a run's files: `<output>/<name>/s<seed>/`.
package struct RunDirectory: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// The folder that `configuration` names.
    package init(_ configuration: RunConfiguration) {
        path = "\(configuration.output)/\(configuration.name)/s\(configuration.seed)"
    }

    /// The resolved configuration.
    package var configurationPath: String { "\(path)/config.yml" }
    /// One JSON object per line: every logged step and every epoch.
    package var metricsPath: String { "\(path)/metrics.jsonl" }
    /// The lock, which exists while a job writes to the directory.
    package var lockPath: String { "\(path)/run.lock" }
    /// Identifies the job that wrote the newest checkpoints, if a script starts it several times.
    var jobPath: String { "\(path)/job" }
    package var checkpointsPath: String { "\(path)/checkpoints" }
    /// Tables of one benchmark, with a folder for each task.
    package func evaluationPath(benchmark: String) -> String { "\(path)/evaluation/\(benchmark)" }

    /// Creates the folder and its parents.
    package func create() throws(FileError) { try createFolder(path) }
}

extension RunDirectory {
    /// Writes the resolved configuration.
    package func write(_ configuration: RunConfiguration) throws(FileError) {
        try writeFile(configuration.yaml, to: configurationPath)
    }

    /// The job that wrote the newest checkpoints; `nil` if none was recorded.
    var job: String? { try? text(of: jobPath) }

    /// Records that `job` has written the newest checkpoint.
    func write(job: String) throws(FileError) { try writeFile(job, to: jobPath) }
}
