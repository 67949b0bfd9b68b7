internal import CProcessor
internal import Foundation
internal import Glibc

/// The memory of this process, and what it may still take.
public enum ProcessMemory {
    /// Bytes that are resident now; 0 where the system does not say.
    public static var residentByteCount: Int { status("VmRSS:") }

    /// The most bytes that have been resident.
    ///
    /// `VmHWM` of `/proc/self/status`, which unlike `getrusage` starts anew with the program.
    public static var peakByteCount: Int { status("VmHWM:") }

    /// Bytes that may still be taken on this host: what is free or can be made free, by the host, by the control group of this
    /// process (a container's or a job's) and by its own limit (`ulimit -v`); `nil` where the system does not say.
    public static var availableByteCount: Int? {
        let free = field("MemAvailable:", of: "/proc/meminfo").map { $0 * 1024 }
        return ([free, addressSpaceLeft].compactMap(\.self) + controlGroupsLeft).min()
    }

    /// Makes large pieces of memory go back to the system when they are freed.
    ///
    /// The C library would keep as much as twice the largest piece freed so far, which no plan counts.
    public static func returnFreedMemory() { CProcessor.returnFreedMemory(4 << 20) }

    private static func status(_ name: String) -> Int {
        (field(name, of: "/proc/self/status") ?? 0) * 1024
    }

    private static func field(_ name: String, of path: String) -> Int? {
        let line = text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }

    private static func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static var addressSpaceLeft: Int? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0,
            let bytes = Int(exactly: limit.rlim_cur)
        else { return nil }
        return max(bytes - status("VmSize:"), 0)
    }

    /// What the limits of the process's control group and of those around it leave; file pages can be given back.
    private static var controlGroupsLeft: [Int] {
        let lines = text("/proc/self/cgroup")?.split(separator: "\n") ?? []
        return lines.flatMap { line -> [Int] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let isUnified = parts[0] == "0"
            guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            let (limit, usage) =
                isUnified
                ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes")
            var names = parts[2].split(separator: "/").map(String.init)
            var left: [Int] = []
            while true {
                let folder = ([root] + names).joined(separator: "/")
                if let bytes = number("\(folder)/\(limit)"), let used = number("\(folder)/\(usage)") {
                    let files = field("inactive_file", of: "\(folder)/memory.stat") ?? 0
                    left.append(max(bytes - used + files, 0))
                }
                if names.isEmpty { return left }
                names.removeLast()
            }
        }
    }
}
