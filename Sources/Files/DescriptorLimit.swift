internal import Glibc

/// How many files and sockets a process may have open at a time (`ulimit -n`).
public enum DescriptorLimit {
    /// The soft limit, which holds.
    public static var soft: Int { count(limits.rlim_cur) }

    /// What the soft limit may be raised to.
    public static var hard: Int { count(limits.rlim_max) }

    /// Raises the soft limit to the hard one, which needs no rights.
    public static func raise() {
        var limits = limits
        limits.rlim_cur = limits.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
    }

    /// Whether `code` says that the process (EMFILE) or its host (ENFILE) has no descriptor left.
    public static func isReached(_ code: Int32) -> Bool { code == EMFILE || code == ENFILE }

    /// Which limit is reached, what is open and what to do.
    ///
    /// Opens nothing, as nothing could be opened.
    static func message(_ code: Int32) -> String {
        let kinds = kindsOfOpenDescriptors()
        let open = """
            \(kinds.reduce(0) { $0 + $1.count }) are open (\(kinds.map { "\($0.kind) \($0.count)" }.joined(separator: ", ")))
            """
        if code == ENFILE {
            return """
                too many open files on this host: its limit (sysctl fs.file-max) is reached, of this process \(open); raise \
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

    /// What descriptors are of, the commonest first.
    private static func kindsOfOpenDescriptors() -> [(kind: String, count: Int)] {
        var counts: [String: Int] = [:]
        for number in 0..<min(soft, 1 << 16) {
            guard let target = target(of: number) else { continue }
            counts[kind(target), default: 0] += 1
        }
        return counts.map { (kind: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
    }

    /// What `/proc` says that a descriptor is of; `nil` for one that is not open.
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
