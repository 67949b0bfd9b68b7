internal import Networks
internal import Workers

/// Bytes that each rank of a job takes at most, and what its host has for them.
struct MemoryBudget: Equatable, Sendable {
    /// Of one rank, the program and its libraries included.
    let rankByteCount: Int
    /// Of the rank that writes checkpoints, beside.
    let writingByteCount: Int
    let ranksOnHost: Int
    /// What the ranks of this host may take in all; `nil` if the host does not say.
    let hostByteCount: Int?
    /// Whether a step can go in parts.
    var canSplit = true

    init(rankByteCount: Int, writingByteCount: Int = 0, ranksOnHost: Int, hostByteCount: Int?) {
        self.rankByteCount = rankByteCount
        self.writingByteCount = writingByteCount
        self.ranksOnHost = ranksOnHost
        self.hostByteCount = hostByteCount
    }

    /// The budget of a rank that trains and evaluates.
    ///
    /// - Parameters:
    ///   - resident: Bytes that the process has, the network's values among them, before anything large is allocated.
    ///   - passes: The passes that share the network's memory.
    ///   - optimizer: Bytes of the optimiser's state.
    ///   - images: Bytes of images that wait or are worked on.
    ///   - writing: Bytes that writing a checkpoint takes.
    init(
        _ classifier: Classifier, resident: Int, passes: [Pass], optimizer: Int, images: Int,
        writing: Int, ranksOnHost: Int
    ) {
        let uses = passes.map { classifier.memoryUse($0) }
        let most = { (part: (MemoryUse) -> Int) in uses.map(part).max() ?? 0 }
        // The values themselves are there already.
        let network =
            most(\.parameters) - 4 * classifier.parameters.parameterCount + most(\.tensors) + most(\.sums)
            + most(\.threads)
        rankByteCount = resident + network + optimizer + images
        writingByteCount = writing
        self.ranksOnHost = ranksOnHost
        hostByteCount = ProcessMemory.availableByteCount.map { $0 + resident * ranksOnHost }
    }

    /// Of all ranks of a host, one of which may be the one that writes.
    var jobByteCount: Int { rankByteCount * ranksOnHost + writingByteCount }

    /// Whether the host has room for its ranks.
    var fits: Bool { hostByteCount.map { jobByteCount <= $0 } ?? true }

    /// Refuses a job that its host has no room for.
    func check() throws(MemoryError) {
        guard fits else { throw MemoryError(budget: self) }
    }
}

/// A job takes more memory than its host has.
struct MemoryError: Error, Equatable, CustomStringConvertible {
    let budget: MemoryBudget

    var description: String {
        let ranks = budget.ranksOnHost == 1 ? "1 rank" : "\(budget.ranksOnHost) ranks"
        let lower =
            budget.canSplit
            ? "set batchNorm.group, so that a rank can go through its share in parts, or lower training.batch (which change the mathematics)"
            : "lower training.batch (which changes the mathematics)"
        return """
            the job needs \(gigabytes(budget.jobByteCount)) on this host (\(ranks) with \
            \(gigabytes(budget.rankByteCount)) each) and \(gigabytes(budget.hostByteCount ?? 0)) can be had: use more hosts, which \
            leaves each fewer images; \(lower); or lower evaluation.batch
            """
    }
}

/// Bytes as `1.23 GB`.
func gigabytes(_ byteCount: Int) -> String {
    let hundredths = (byteCount + 5_000_000) / 10_000_000
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) GB"
}
