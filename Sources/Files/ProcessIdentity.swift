internal import Foundation

/// A process of a host, told from all others that there were: numbers of processes are used again.
public struct ProcessIdentity: Codable, Equatable, Sendable {
    /// What is known of a process.
    public enum Life: Equatable, Sendable {
        case running
        case ended
        /// It is on another host or in another container.
        case unknown
    }

    public var host: String
    /// The number.
    public var process: Int32
    /// Names this start of the host's system; empty if unknown.
    public var boot: String
    /// Names the numbers' space, which containers have of their own.
    public var namespace: String
    /// When it began, in ticks of the system's clock.
    public var start: UInt64

    /// This process.
    public static var current: ProcessIdentity {
        ProcessIdentity(
            host: ProcessInfo.processInfo.hostName, process: getpid(),
            boot: text("/proc/sys/kernel/random/boot_id")?.trimmingCharacters(in: .whitespacesAndNewlines)
                ?? "",
            namespace: (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid"))
                ?? "",
            start: status(of: getpid())?.start ?? 0)
    }

    public init(host: String, process: Int32, boot: String, namespace: String, start: UInt64) {
        self.host = host
        self.process = process
        self.boot = boot
        self.namespace = namespace
        self.start = start
    }

    /// Whether it still runs, as far as this process can see.
    public var life: Life {
        let current = Self.current
        guard host == current.host, boot == current.boot, namespace == current.namespace, !boot.isEmpty else {
            return .unknown
        }
        if kill(process, 0) != 0 && errno == ESRCH { return .ended }
        // Where processes of others are hidden, their number has to do.
        guard let (state, start) = Self.status(of: process) else { return .running }
        return start == self.start && state != "Z" && state != "X" ? .running : .ended
    }

    /// State and beginning of a process; see proc(5).
    private static func status(of process: Int32) -> (state: Character, start: UInt64)? {
        // The name in parentheses may hold anything.
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
