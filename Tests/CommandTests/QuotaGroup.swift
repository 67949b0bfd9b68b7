import Foundation
import Glibc

/// A control group (v1 or v2) with a CPU quota; only root may make one.
struct QuotaGroup {
    private let folder: String

    static var canBeMade: Bool {
        guard let group = QuotaGroup(cores: 1) else { return false }
        group.remove()
        return true
    }

    /// The file to write a process's id to, to put it into the group.
    var processes: String { "\(folder)/cgroup.procs" }

    init?(cores: Double) {
        let name = "t2fnorm-test-\(UUID().uuidString)"
        let quota = "\(Int(100_000 * cores))"
        let versions = [
            ("/sys/fs/cgroup", "cpu.max", "\(quota) 100000"),
            ("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us", quota),
            ("/sys/fs/cgroup/cpu,cpuacct", "cpu.cfs_quota_us", quota),
        ]
        for (root, file, text) in versions {
            let folder = "\(root)/\(name)"
            guard unsafe mkdir(folder, 0o755) == 0 else { continue }
            if Self.write(text, to: "\(folder)/\(file)") {
                self.folder = folder
                return
            }
            _ = unsafe rmdir(folder)
        }
        return nil
    }

    /// Removes the group; its processes must have ended.
    func remove() { _ = unsafe rmdir(folder) }

    /// Writes text to an existing file; false if that fails.
    private static func write(_ text: String, to path: String) -> Bool {
        let file = unsafe open(path, O_WRONLY)
        guard file >= 0 else { return false }
        defer { _ = close(file) }
        return unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            == text.utf8.count
    }
}
