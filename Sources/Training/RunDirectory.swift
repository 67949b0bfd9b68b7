internal import Foundation
internal import HDF5
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
    public var checkpointsPath: String { "\(path)/checkpoints" }
    /// Tables of one benchmark.
    public func evaluationPath(benchmark: String) -> String { "\(path)/evaluation/\(benchmark)/ood" }

    /// Makes the folder, with those above it.
    public func create() throws(TrainingError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .data("could not create run directory \(path): \(error.localizedDescription)")
        }
    }
}

extension RunDirectory {
    /// Writes the resolved configuration.
    func write(_ configuration: RunConfiguration) throws(TrainingError) {
        do {
            try replaceFile(at: configurationPath) { temporary in
                try Data(configuration.yaml.utf8).write(to: URL(filePath: temporary))
            }
        } catch {
            throw .data("could not write \(configurationPath): \(error)")
        }
    }
}
