internal import CProcessor
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
        let free = SystemFile.field("MemAvailable:", of: "/proc/meminfo").map { $0 * 1024 }
        return ([free, addressSpaceLeft].compactMap(\.self) + controlGroupsLeft).min()
    }

    /// Makes large pieces of memory go back to the system when they are freed.
    ///
    /// The C library would keep as much as twice the largest piece freed so far, which no plan counts.
    public static func returnFreedMemory() { CProcessor.returnFreedMemory(4 << 20) }

    private static func status(_ name: String) -> Int {
        (SystemFile.field(name, of: "/proc/self/status") ?? 0) * 1024
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
        ControlGroup.all(of: "memory").compactMap { group in
            let (limit, usage) =
                group.isUnified
                ? ("memory.max", "memory.current") : ("memory.limit_in_bytes", "memory.usage_in_bytes")
            guard let bytes = SystemFile.number("\(group.folder)/\(limit)"),
                let used = SystemFile.number("\(group.folder)/\(usage)")
            else { return nil }
            let files = SystemFile.field("inactive_file", of: "\(group.folder)/memory.stat") ?? 0
            return max(bytes - used + files, 0)
        }
    }
}
