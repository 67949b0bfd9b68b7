internal import Glibc

/// A control group's CPU quota.
package struct CPUQuota: Codable, Equatable, Sendable {
    /// Identifies the control group: equal for all processes of a host that are in it or below it.
    package let group: String
    /// CPU time per second, in processors; above 0.
    package let processors: Double

    package init(group: String, processors: Double) {
        self.group = group
        self.processors = processors
    }

    /// The CPU quotas of this process's control group and of its ancestors, of versions 1 and 2.
    ///
    /// - Parameter root: Prefix of the paths `/proc` and `/sys`.
    package static func all(root: String = "") -> [CPUQuota] {
        ControlGroup.all(of: "cpu", root: root).compactMap { group in
            let numbers =
                group.isUnified
                ? SystemFile.numbers("\(group.folder)/cpu.max")
                : [
                    SystemFile.number("\(group.folder)/cpu.cfs_quota_us"),
                    SystemFile.number("\(group.folder)/cpu.cfs_period_us"),
                ]
            // Without a quota the first number is 'max' in version 2 and −1 in version 1.
            guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
            else { return nil }
            return CPUQuota(
                group: identity(of: group.folder), processors: Double(quota) / Double(period))
        }
    }

    /// Device and inode of the folder, since containers see one group at different paths.
    private static func identity(of folder: String) -> String {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { return folder }
        return "\(status.st_dev):\(status.st_ino)"
    }
}
