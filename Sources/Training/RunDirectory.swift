public import Files
internal import Foundation
public import RunConfiguration

/// Where a run keeps what it makes: `<output>/<name>/s<seed>/`.
public struct RunDirectory: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The folder that `configuration` names.
    public init(_ configuration: RunConfiguration) {
        path = "\(configuration.output)/\(configuration.name)/s\(configuration.seed)"
    }

    /// The resolved configuration.
    public var configurationPath: String { "\(path)/config.yml" }
    /// One JSON object a line: every logged step and every epoch.
    public var metricsPath: String { "\(path)/metrics.jsonl" }
    /// Who writes to the directory, while somebody does.
    public var lockPath: String { "\(path)/run.lock" }
    /// The job that made the newest checkpoints, where a script starts it several times.
    var jobPath: String { "\(path)/job" }
    public var checkpointsPath: String { "\(path)/checkpoints" }
    /// Tables of one benchmark, those of each task in a folder of their own.
    public func evaluationPath(benchmark: String) -> String { "\(path)/evaluation/\(benchmark)" }

    /// Makes the folder, with those above it.
    public func create() throws(FileError) { try createFolder(path) }
}

extension RunDirectory {
    /// Writes the resolved configuration.
    public func write(_ configuration: RunConfiguration) throws(FileError) {
        try writeFile(configuration.yaml, to: configurationPath)
    }

    /// The job that made the newest checkpoints; `nil` if none said so.
    var job: String? { try? String(contentsOfFile: jobPath, encoding: .utf8) }

    /// Notes that `job` has made the newest checkpoint.
    func write(job: String) throws(FileError) { try writeFile(job, to: jobPath) }
}
