/// A control group of this process, or an ancestor of one.
struct ControlGroup {
    /// The group's folder.
    let folder: String
    /// Whether the group is of version 2, where all controllers share one tree.
    let isUnified: Bool

    /// The groups with `controller`, from the process's own group up to the topmost mounted one;
    /// empty if control groups are not mounted.
    ///
    /// - Parameters:
    ///   - controller: The controller's name in version 1: `cpu`, `memory`.
    ///   - root: Prefix of the paths `/proc` and `/sys`.
    static func all(of controller: String, root: String = "") -> [ControlGroup] {
        let mounts = (SystemFile.text("\(root)/proc/self/mountinfo") ?? "").split(separator: "\n")
            .compactMap { ControlGroupMount(line: $0) }
        let memberships = (SystemFile.text("\(root)/proc/self/cgroup") ?? "").split(separator: "\n")
        return memberships.flatMap { line -> [ControlGroup] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let isUnified = parts[0] == "0"
            guard isUnified || parts[1].split(separator: ",").contains(Substring(controller)) else {
                return []
            }
            let mount = mounts.first {
                $0.isUnified == isUnified && (isUnified || $0.controllers.contains(controller))
            }
            return (mount?.folders(of: parts[2]) ?? []).map {
                ControlGroup(folder: root + $0, isUnified: isUnified)
            }
        }
    }
}

/// A line of `/proc/self/mountinfo` about control groups (proc_pid_mountinfo(5)).
private struct ControlGroupMount {
    let isUnified: Bool
    let controllers: [String]
    /// The mounted group; if it is not `/`, it is a container's own group.
    let group: [Substring]
    let point: String

    init?(line: Substring) {
        let fields = line.split(separator: " ")
        guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3,
            ["cgroup", "cgroup2"].contains(fields[dash + 1])
        else { return nil }
        isUnified = fields[dash + 1] == "cgroup2"
        controllers = fields[dash + 3].split(separator: ",").map(String.init)
        group = fields[3].split(separator: "/")
        point = Self.unescaped(fields[4])
    }

    /// The folder of the group at `path`, then those of its ancestors up to the mount.
    func folders(of path: Substring) -> [String] {
        let names = path.split(separator: "/")
        // A container may see a path outside the mount; its own group is then the mounted one.
        let isBelow = names.starts(with: group) && !names.contains("..")
        let below = isBelow ? names.dropFirst(group.count) : []
        return (0...below.count).map { up in
            ([point] + below.dropLast(up).map(String.init)).joined(separator: "/")
        }
    }

    /// Replaces the octal escapes of blanks and backslashes.
    private static func unescaped(_ text: Substring) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(String(text)) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}
