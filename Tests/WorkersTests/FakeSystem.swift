import Foundation
import TestSupport

/// Fake files of `/proc` and `/sys` in a temporary folder.
struct FakeSystem {
    let root: String

    static func with<Result>(_ body: (FakeSystem) throws -> Result) throws -> Result {
        try withTemporaryFolder { try body(FakeSystem(root: $0)) }
    }

    func write(_ text: String, to path: String) throws {
        let file = URL(filePath: root + path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// Processors `n` and `n + cores` are the two hardware threads of a core.
    func writeTwoThreadsACore(cores: Int, name: String) throws {
        for processor in 0..<2 * cores {
            let first = processor % cores
            try write(
                "\(first),\(first + cores)\n",
                to: "/sys/devices/system/cpu/cpu\(processor)/topology/\(name)")
        }
    }

    /// Control groups of version 2, mounted at `/sys/fs/cgroup`; the group `mounted` and those
    /// below it are visible.
    func mountUnified(_ path: String, mounted: String = "/") throws {
        try write("0::\(path)\n", to: "/proc/self/cgroup")
        try write(
            "24 1 0:21 / /proc rw - proc proc rw\n29 24 0:26 \(mounted) /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
            to: "/proc/self/mountinfo")
    }

    /// Control groups of version 1, with the controllers `cpu` and `cpuacct` in one mount.
    func mountVersion1(_ path: String, mounted: String = "/", at point: String = "/sys/fs/cgroup/cpu,cpuacct")
        throws
    {
        try write("11:memory:/elsewhere\n4:cpu,cpuacct:\(path)\n0::/\n", to: "/proc/self/cgroup")
        try write(
            """
            30 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            31 25 0:28 \(mounted) \(point.replacing(" ", with: "\\040")) rw - cgroup cgroup rw,cpu,cpuacct
            32 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw

            """, to: "/proc/self/mountinfo")
    }
}
