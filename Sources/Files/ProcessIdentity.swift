internal import Foundation

/// The identity of a process, distinct from that of all earlier processes: process ids are reused.
package struct ProcessIdentity: Codable, Equatable, Sendable {
    /// What is known about whether a process runs.
    package enum Life: Equatable, Sendable {
        case running
        case ended
        /// The process is on another host or in another container.
        case unknown
    }

    package var host: String
    /// The process id.
    package var process: Int32
    /// The id of the host's current boot; empty if unknown.
    package var boot: String
    /// The PID namespace; each container has its own.
    package var namespace: String
    /// The start time, in clock ticks since boot.
    package var start: UInt64

    /// This process.
    package static var current: ProcessIdentity {
        ProcessIdentity(
            host: ProcessInfo.processInfo.hostName, process: getpid(),
            boot: text("/proc/sys/kernel/random/boot_id")?.trimmingCharacters(in: .whitespacesAndNewlines)
                ?? "",
            namespace: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"))
                ?? "",
            start: status(of: getpid())?.start ?? 0)
    }

    package init(host: String, process: Int32, boot: String, namespace: String, start: UInt64) {
        self.host = host
        self.process = process
        self.boot = boot
        self.namespace = namespace
        self.start = start
    }

    /// Whether the process still runs, as far as this process can tell.
    package var life: Life {
        let current = Self.current
        guard host == current.host, boot == current.boot, namespace == current.namespace, !boot.isEmpty else {
            return .unknown
        }
        if kill(process, 0) != 0 && errno == ESRCH { return .ended }
        // If processes of other users are hidden, the existence of the process id has to suffice.
        guard let (state, start) = Self.status(of: process) else { return .running }
        return start == self.start && state != "Z" && state != "X" ? .running : .ended
    }

    /// The state and the start time of a process; see proc(5).
    private static func status(of process: Int32) -> (state: Character, start: UInt64)? {
        // The name in parentheses may contain any character.
        guard let line = text("/proc/\(process)/stat"), let end = line.lastIndex(of: ")") else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else {
            return nil
        }
        return (state, start)
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
