internal import Glibc

/// The processor cores that this process may use.
public struct CPUTopology: Equatable, Sendable {
    /// Cores of the host.
    public let onlineCores: Int
    /// Cores that this process is bound to; all of them if it is not bound.
    public let availableCores: Int

    public init(onlineCores: Int, availableCores: Int) {
        self.onlineCores = onlineCores
        self.availableCores = availableCores
    }

    /// What the operating system says.
    public static func current() -> CPUTopology {
        let online = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)
        var set = cpu_set_t()
        let code = unsafe sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &set)
        guard code == 0 else { return CPUTopology(onlineCores: online, availableCores: online) }
        let available = unsafe withUnsafeBytes(of: set) { unsafe $0.reduce(0) { $0 + $1.nonzeroBitCount } }
        return CPUTopology(onlineCores: online, availableCores: max(available, 1))
    }

    /// Threads for each of `ranks` processes of one job on this host.
    ///
    /// A process that is bound to some cores has them to itself; others share the host evenly.
    public func threads(ranks: Int) -> Int {
        availableCores < onlineCores ? availableCores : max(onlineCores / ranks, 1)
    }
}
