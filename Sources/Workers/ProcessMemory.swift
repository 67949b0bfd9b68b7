internal import CProcessor
internal import Glibc

/// The memory that this process uses and may still allocate.
package enum ProcessMemory {
    /// Resident bytes now; 0 if the system does not report them.
    package static var residentByteCount: Int { status("VmRSS:") }

    /// Peak of the resident bytes; 0 if the system does not report it.
    ///
    /// `VmHWM` of `/proc/self/status`, which unlike `getrusage` starts anew with each program.
    package static var peakByteCount: Int { status("VmHWM:") }

    /// Bytes that may still be allocated on this host; `nil` if the system does not report them.
    ///
    /// The smallest of what is free or can be reclaimed on the host, what the control groups of
    /// this process (a container's or a job's) leave, and what its own limit (`ulimit -v`) leaves.
    package static var availableByteCount: Int? {
        let free = SystemFile.field("MemAvailable:", of: "/proc/meminfo").map { $0 * 1024 }
        return ([free, addressSpaceLeft].compactMap(\.self) + controlGroupsLeft).min()
    }

    /// Makes the C library return large blocks to the system when they are freed.
    ///
    /// The C library would otherwise keep as much as twice the largest block freed so far, which no
    /// memory plan accounts for.
    package static func returnFreedMemory() { CProcessor.returnFreedMemory(4 << 20) }

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

    /// Bytes that the limits of the process's control group and of its ancestors leave. Inactive
    /// file pages can be reclaimed, so they count as free.
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
