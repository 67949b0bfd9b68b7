internal import Failures
internal import Files
internal import Foundation

/// The holder of a run directory's lock, as recorded in the lock's file.
package struct RunLockHolder: Codable, Equatable, Sendable, CustomStringConvertible {
    var process: ProcessIdentity
    /// The scheduler's or launcher's name of the job.
    var job: String
    /// When the job began, in UTC.
    var began: String
    /// Distinguishes the locks of one process.
    var token: String

    /// This process.
    static var current: RunLockHolder {
        RunLockHolder(
            process: .current, job: jobName(ProcessInfo.processInfo.environment),
            began: Date.now.formatted(.iso8601),
            token: UUID().uuidString.prefix(8).lowercased())
    }

    init(process: ProcessIdentity, job: String, began: String, token: String) {
        self.process = process
        self.job = job
        self.began = began
        self.token = token
    }

    /// Reads a lock's text; `nil` if it cannot be decoded.
    init?(text: String) {
        guard let holder = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else { return nil }
        self = holder
    }

    /// The lock's text, one line.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }

    package var description: String {
        "process \(process.process) on \(process.host) (\(job)), since \(began)"
    }

    /// The job as its scheduler or launcher names it.
    static func jobName(_ variables: [String: String]) -> String {
        let schedulers = [
            ("SLURM_JOB_ID", "Slurm"), ("PBS_JOBID", "PBS"), ("LSB_JOBID", "LSF"), ("FLUX_JOB_ID", "Flux"),
            ("JOB_ID", "Grid Engine"),
        ]
        if let (name, scheduler) = schedulers.first(where: { variables[$0.0] != nil }) {
            return "\(scheduler) job \(variables[name] ?? "")"
        }
        return variables["OMPI_COMM_WORLD_SIZE"].map { "mpirun job of \($0) ranks" } ?? "a job of one process"
    }
}

/// Why a job may not write to a run directory.
package enum RunLockError: CodedError, Equatable, Sendable {
    /// Another job holds the lock; `nil` if the lock does not say which.
    case inUse(directory: String, by: RunLockHolder?)
    /// Another job has taken the lock over.
    case takenOver(directory: String, by: RunLockHolder?)

    package var exitCode: Int32 { ExitCode.environment }

    package var description: String {
        switch self {
        case .inUse(let directory, let holder):
            """
            run directory \(directory) is in use by \(Self.name(holder)): wait for its end, choose another name or seed, or take the \
            run over with --take-over, which ends that job
            """
        case .takenOver(let directory, let holder):
            """
            run directory \(directory) was taken over by \(Self.name(holder)): this job ends, as only one job at a time may write there
            """
        }
    }

    /// The line for the user before a wait for a host that may be lost.
    static func waitingLine(directory: String, for holder: RunLockHolder?, _ limit: Duration) -> String {
        """
        run directory \(directory) was in use by \(name(holder)), which this host cannot see: waiting up to \(limit.components.seconds) s for a \
        sign of life, then taking its place (at once with --take-over)
        """
    }

    private static func name(_ holder: RunLockHolder?) -> String {
        holder.map { "\($0)" } ?? "a process that its lock does not name"
    }
}
