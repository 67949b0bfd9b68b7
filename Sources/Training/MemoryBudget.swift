internal import Failures
internal import Networks
internal import Workers

/// The most memory that each rank of a job takes, and the memory that its host has, in bytes.
struct MemoryBudget: Equatable, Sendable {
    /// Bytes of one rank, including the program and its libraries.
    let rankByteCount: Int
    /// Additional bytes of the rank that writes checkpoints.
    let writingByteCount: Int
    let ranksOnHost: Int
    /// Bytes that all ranks of this host may take; `nil` if the host does not report it.
    let hostByteCount: Int?
    /// Whether a step can accumulate gradients.
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
    ///   - resident: Resident bytes of the process, including the network's parameters, before
    ///     anything large is allocated.
    ///   - passes: The passes that share the network's memory.
    ///   - optimizer: Bytes of the optimiser's state.
    ///   - images: Bytes of images that are prefetched or in use.
    ///   - writing: Bytes that writing a checkpoint takes.
    init(
        _ classifier: Classifier, resident: Int, passes: [StepContext], optimizer: Int, images: Int,
        writing: Int, ranksOnHost: Int
    ) {
        let uses = passes.map { classifier.memoryUse($0) }
        let most = { (part: (MemoryUse) -> Int) in uses.map(part).max() ?? 0 }
        // `resident` already includes the parameters.
        let network =
            most(\.parameters) - 4 * classifier.parameters.parameterCount + most(\.tensors) + most(\.sums)
            + most(\.threads)
        rankByteCount = resident + network + optimizer + images
        writingByteCount = writing
        self.ranksOnHost = ranksOnHost
        hostByteCount = ProcessMemory.availableByteCount.map { $0 + resident * ranksOnHost }
    }

    /// Bytes of all ranks of a host, one of which may be the one that writes checkpoints.
    var jobByteCount: Int { rankByteCount * ranksOnHost + writingByteCount }

    /// Whether the host has room for its ranks.
    var fits: Bool { hostByteCount.map { jobByteCount <= $0 } ?? true }

    /// Refuses a job that does not fit into its host's memory.
    func check() throws(MemoryError) {
        guard fits else { throw MemoryError(budget: self) }
    }
}

/// A job takes more memory than its host has.
struct MemoryError: CodedError, Equatable {
    let budget: MemoryBudget

    var exitCode: Int32 { ExitCode.environment }

    var description: String {
        let ranks = budget.ranksOnHost == 1 ? "1 rank" : "\(budget.ranksOnHost) ranks"
        let lower =
            budget.canSplit
            ? "set batchNorm.group, so that a rank can accumulate gradients over its share, or lower training.batch (which change the mathematics)"
            : "lower training.batch (which changes the mathematics)"
        return """
            the job needs \(gigabytes(budget.jobByteCount)) on this host (\(ranks) with \
            \(gigabytes(budget.rankByteCount)) each), but only \(gigabytes(budget.hostByteCount ?? 0)) are available: use more \
            hosts (fewer images per host); \(lower); or lower evaluation.batch
            """
    }
}

/// Bytes as `1.23 GB`.
func gigabytes(_ byteCount: Int) -> String {
    let hundredths = (byteCount + 5_000_000) / 10_000_000
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) GB"
}
