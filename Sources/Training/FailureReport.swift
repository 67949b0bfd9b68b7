internal import Checkpoints
internal import Cluster
internal import Datasets
internal import Detection
internal import Files
internal import Metrics
internal import RunConfiguration
internal import Workers

/// The exit codes of the command line.
public enum ExitCode {
    public static let done: Int32 = 0
    public static let usage: Int32 = 2
    public static let data: Int32 = 3
    public static let numeric: Int32 = 4
    public static let checkpoint: Int32 = 5
    public static let environment: Int32 = 6
    /// Stopped on request, with a checkpoint; run again to resume.
    public static let stopped: Int32 = 75
    /// Any error without a code of its own.
    public static let unexpected: Int32 = 1
}

/// The exit code and the one-line message of an error.
public func failureReport(of error: any Error) -> (exitCode: Int32, message: String) {
    let code: Int32 =
        switch error {
        case is ConfigurationError: ExitCode.usage
        case let error as DatasetError where error.isSystemFault: ExitCode.environment
        case let error as CheckpointError where error.isSystemFault: ExitCode.environment
        case is DatasetError: ExitCode.data
        case is TrainingError: ExitCode.numeric
        case let error as RankingMetricsError: error.invalidCount > 0 ? ExitCode.numeric : ExitCode.data
        case let error as FitError: error.isNumeric ? ExitCode.numeric : ExitCode.data
        case is CheckpointError: ExitCode.checkpoint
        case is MPIError, is LaunchError, is FileError, is MemoryError, is ThreadError, is RunLockError:
            ExitCode.environment
        case let failure as JobFailure: failure.exitCode
        default: ExitCode.unexpected
        }
    return (code, "\(error)")
}
