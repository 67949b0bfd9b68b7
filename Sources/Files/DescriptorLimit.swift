internal import Glibc

/// The number of files and sockets that a process may have open at a time (`ulimit -n`).
package enum DescriptorLimit {
    /// The soft limit, which is in force.
    package static var soft: Int { count(limits.rlim_cur) }

    /// The hard limit, up to which the soft limit may be raised.
    package static var hard: Int { count(limits.rlim_max) }

    /// Raises the soft limit to the hard limit, which needs no privileges.
    package static func raise() {
        var limits = limits
        limits.rlim_cur = limits.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }

    /// Whether `code` says that the process (EMFILE) or its host (ENFILE) has no descriptor left.
    package static func isReached(_ code: Int32) -> Bool { code == EMFILE || code == ENFILE }

    /// The error message: which limit is reached, what is open and what to do.
    ///
    /// It opens no file, since no descriptor is left.
    static func message(_ code: Int32) -> String {
        let kinds = kindsOfOpenDescriptors()
        let open = """
            \(kinds.reduce(0) { $0 + $1.count }) are open (\(kinds.map { "\($0.kind) \($0.count)" }.joined(separator: ", ")))
            """
        if code == ENFILE {
            return """
                too many open files on this host: its limit (sysctl fs.file-max) is reached; in this process \(open); raise \
                that limit or end other programs
                """
        }
        return """
            too many open files: the limit is \(soft) (ulimit -n; the hard limit, ulimit -Hn, is \(hard)), \(open); raise it \
            before the start, as by 'ulimit -n 4096'
            """
    }

    private static var limits: rlimit {
        var limits = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        return limits
    }

    private static func count(_ limit: rlim_t) -> Int { Int(exactly: limit) ?? .max }

    /// The kinds of open descriptors, the most frequent first.
    private static func kindsOfOpenDescriptors() -> [(kind: String, count: Int)] {
        var counts: [String: Int] = [:]
        for number in 0..<min(soft, 1 << 16) {
            guard let target = target(of: number) else { continue }
            counts[kind(target), default: 0] += 1
        }
        return counts.map { (kind: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
    }

    /// The target of a descriptor according to `/proc`; `nil` if it is not open.
    private static func target(of number: Int) -> String? {
        var text = [UInt8](repeating: 0, count: 256)
        let length = unsafe text.withUnsafeMutableBytes { bytes in
            unsafe readlink(
                "/proc/self/fd/\(number)", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count
            )
        }
        return length > 0 ? String(decoding: text.prefix(length), as: UTF8.self) : nil
    }

    private static func kind(_ target: String) -> String {
        if target.hasPrefix("socket:") { return "sockets" }
        if target.hasPrefix("pipe:") { return "pipes" }
        if target.hasPrefix("/dev/shm/") { return "files" }
        if target.hasPrefix("anon_inode:") || target.hasPrefix("/dev/") { return "devices" }
        return "files"
    }
}
