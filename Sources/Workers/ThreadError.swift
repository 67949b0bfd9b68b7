internal import Failures
internal import Glibc

/// The system refused to start a thread; the description names the limits on threads, in one line.
package struct ThreadError: CodedError, Equatable {
    /// The thread's name.
    package let name: String
    /// The system's error text, then the limits that apply.
    package let reason: String

    package init(name: String, code: Int32) {
        self.name = name
        let words = unsafe String(cString: strerror(code)).lowercased()
        reason = ([words] + [ThreadLimits.current().description].filter { !$0.isEmpty }).joined(
            separator: "; ")
    }

    package var exitCode: Int32 { ExitCode.environment }

    package var description: String {
        """
        could not start the thread '\(name)': \(reason); raise the limit that is reached, \
        or use fewer threads (compute.threads) or fewer ranks on this host
        """
    }
}

/// The number of threads of this process, and the system's limits on threads.
package struct ThreadLimits {
    /// Threads of this process.
    var own: Int?
    /// Limit on the threads of the user (`ulimit -u`); `nil` for no limit.
    package var user: Int?
    /// The control groups of this process: folder, threads in use, limit.
    var groups: [(folder: String, used: Int, limit: Int)] = []
    /// Limit on the threads of the host (`kernel.threads-max`).
    var host: Int?

    /// - Parameter root: Prefix of the paths `/proc` and `/sys`.
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
