internal import Foundation

/// What a process may use of its host's processors.
public struct CPUTopology: Codable, Equatable, Sendable {
    /// The physical cores in the affinity mask, each by the lowest number of its processors.
    public let cores: ProcessorSet
    /// Processors in the affinity mask: hardware threads of those cores.
    public let processorCount: Int
    /// Limits on the time of processors.
    public let quotas: [CPUQuota]

    public init(cores: ProcessorSet, processorCount: Int, quotas: [CPUQuota] = []) {
        self.cores = cores
        self.processorCount = processorCount
        self.quotas = quotas
    }

    /// What the operating system says of this process.
    public static func current() -> CPUTopology {
        var affinity = ProcessorSet.affinity()
        if affinity.numbers.isEmpty {
            affinity = ProcessorSet(0..<ProcessInfo.processInfo.activeProcessorCount)
        }
        return CPUTopology(affinity: affinity)
    }

    /// What `/proc` and `/sys` below `root` say of a process with the mask `affinity`.
    ///
    /// A processor counts as a core where they do not say which core it is of.
    public init(affinity: ProcessorSet, root: String = "") {
        self.init(
            cores: ProcessorSet(affinity.numbers.map { Self.core(of: $0, root: root) }),
            processorCount: affinity.numbers.count, quotas: CPUQuota.all(root: root))
    }

    /// The lowest processor of the core that `processor` is of.
    private static func core(of processor: Int, root: String) -> Int {
        let folder = "\(root)/sys/devices/system/cpu/cpu\(processor)/topology"
        for name in ["core_cpus_list", "thread_siblings_list"] {
            let siblings = SystemFile.text("\(folder)/\(name)").flatMap { ProcessorSet($0) }
            if let lowest = siblings?.numbers.min() { return lowest }
        }
        return processor
    }
}
