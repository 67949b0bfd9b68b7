internal import Glibc

/// A thread that the system did not give, with the limits on threads: one line.
public struct ThreadError: Error, Equatable, CustomStringConvertible {
    /// The thread's name.
    public let name: String
    /// The system's words, then the limits that hold.
    public let reason: String

    package init(name: String, code: Int32) {
        self.name = name
        let words = unsafe String(cString: strerror(code)).lowercased()
        reason = ([words] + [ThreadLimits.current().description].filter { !$0.isEmpty }).joined(
            separator: "; ")
    }

    public var description: String {
        """
        could not start the thread '\(name)': \(reason); raise that limit, or use fewer threads (compute.threads) or fewer \
        ranks on this host
        """
    }
}

/// How many threads this process has, and how many the system lets be.
package struct ThreadLimits {
    /// Threads of this process.
    var own: Int?
    /// Of the user's threads; `nil` for none (`ulimit -u`).
    package var user: Int?
    /// Of the control groups that this process is in: their folder, what is there, and the limit.
    var groups: [(folder: String, used: Int, limit: Int)] = []
    /// Of the host (kernel.threads-max).
    var host: Int?

    /// - Parameter root: The folder that `/proc` and `/sys` are looked for in.
    package static func current(root: String = "") -> ThreadLimits {
        var limits = ThreadLimits()
        limits.own = SystemFile.field("Threads:", of: "\(root)/proc/self/status")
        var user = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(__RLIMIT_NPROC.rawValue), &user) == 0 {
            limits.user = Int(exactly: user.rlim_cur)
        }
        limits.groups = ControlGroup.all(of: "pids", root: root).compactMap { group in
            guard let limit = SystemFile.number("\(group.folder)/pids.max"),
                let used = SystemFile.number("\(group.folder)/pids.current")
            else { return nil }
            return (group.folder, used, limit)
        }
        limits.host = SystemFile.number("\(root)/proc/sys/kernel/threads-max")
        return limits
    }
}

extension ThreadLimits: CustomStringConvertible {
    package var description: String {
        var parts: [String] = []
        if let own { parts.append("this process has \(own) threads") }
        if let user { parts.append("its user may have \(user) (ulimit -u)") }
        parts += groups.map { "the control group \($0.folder) has \($0.used) of \($0.limit) (pids.max)" }
        if let host { parts.append("the host may have \(host) (kernel.threads-max)") }
        return parts.joined(separator: ", ")
    }
}
