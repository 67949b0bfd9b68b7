internal import Foundation

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
        let process = ProcessInfo.processInfo
        return CPUTopology(
            onlineCores: process.processorCount,
            availableCores: min(process.activeProcessorCount, process.processorCount))
    }

    /// Threads for each of `ranks` processes of one job on this host.
    ///
    /// A process that is bound to some cores has them to itself; others share the host evenly.
    public func threads(ranks: Int) -> Int {
        availableCores < onlineCores ? availableCores : max(onlineCores / ranks, 1)
    }
}
