/// A control group that this process is in, or one around it.
struct ControlGroup {
    /// Its folder.
    let folder: String
    /// Whether it is one of version 2, with all controllers in one tree.
    let isUnified: Bool

    /// The groups with a controller, from the process's own up to the uppermost that is mounted here; none where control groups are
    /// not mounted.
    ///
    /// - Parameters:
    ///   - controller: As version 1 calls it: `cpu`, `memory`.
    ///   - root: The folder that `/proc` and `/sys` are looked for in.
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
    /// The group that is mounted; a container's own, if it is not `/`.
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

    /// The folder of the group at `path`, then those around it up to the mount.
    func folders(of path: Substring) -> [String] {
        let names = path.split(separator: "/")
        // A path outside of what is mounted, as a container may see one: its own group is the mounted one.
        let isBelow = names.starts(with: group) && !names.contains("..")
        let below = isBelow ? names.dropFirst(group.count) : []
        return (0...below.count).map { up in
            ([point] + below.dropLast(up).map(String.init)).joined(separator: "/")
        }
    }

    /// Blanks and backslashes are written as octal numbers.
    private static func unescaped(_ text: Substring) -> String {
        [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")].reduce(String(text)) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}
