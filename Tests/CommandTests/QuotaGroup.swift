import Foundation
import Glibc

/// A control group with a CPU quota, of whichever version this machine has; only root may make one.
struct QuotaGroup {
    private let folder: String

    static var canBeMade: Bool {
        guard let group = QuotaGroup(cores: 1) else { return false }
        group.remove()
        return true
    }

    /// The file that takes the number of a process that is to be in the group.
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

    /// Its processes must have ended.
    func remove() { _ = unsafe rmdir(folder) }

    /// Whether there is such a file and it takes the text.
    private static func write(_ text: String, to path: String) -> Bool {
        let file = unsafe open(path, O_WRONLY)
        guard file >= 0 else { return false }
        defer { _ = close(file) }
        return unsafe Array(text.utf8).withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            == text.utf8.count
    }
}
