internal import Foundation

/// The cores, processors and CPU quotas that a process may use on its host.
package struct CPUTopology: Codable, Equatable, Sendable {
    /// The physical cores in the affinity mask, each identified by the lowest number of its
    /// processors.
    package let cores: ProcessorSet
    /// Processors in the affinity mask: the hardware threads of those cores.
    package let processorCount: Int
    /// CPU quotas that apply to the process.
    package let quotas: [CPUQuota]

    package init(cores: ProcessorSet, processorCount: Int, quotas: [CPUQuota] = []) {
        self.cores = cores
        self.processorCount = processorCount
        self.quotas = quotas
    }

    /// The topology that the operating system reports for this process.
    package static func current() -> CPUTopology {
        var affinity = ProcessorSet.affinity()
        if affinity.numbers.isEmpty {
            affinity = ProcessorSet(0..<ProcessInfo.processInfo.activeProcessorCount)
        }
        return CPUTopology(affinity: affinity)
    }

    /// The topology of a process with the affinity mask `affinity`, read from `/proc` and `/sys`
    /// below `root`.
    ///
    /// A processor counts as a core of its own if these files do not name its core.
    package init(affinity: ProcessorSet, root: String = "") {
        self.init(
            cores: ProcessorSet(affinity.numbers.map { Self.core(of: $0, root: root) }),
            processorCount: affinity.numbers.count, quotas: CPUQuota.all(root: root))
    }

    /// The lowest processor of the core that `processor` belongs to.
    private static func core(of processor: Int, root: String) -> Int {
        let folder = "\(root)/sys/devices/system/cpu/cpu\(processor)/topology"
        for name in ["core_cpus_list", "thread_siblings_list"] {
            let siblings = SystemFile.text("\(folder)/\(name)").flatMap { ProcessorSet($0) }
            if let lowest = siblings?.numbers.min() { return lowest }
        }
        return processor
    }
}
