/// The number of threads of one rank, from the cores and CPU quotas of all ranks on its host.
///
/// Ranks divide the cores that several of their affinity masks contain, and the quota of a control
/// group that several of them are in.
package struct ThreadShare: Equatable, Sendable {
    /// Number of threads, 1 or more.
    package let threads: Int
    /// The cores and the quota found, in words.
    package let description: String

    /// - Parameters:
    ///   - rank: The index of the rank in `ranks`.
    ///   - ranks: All ranks of the job on this host.
    package init(of rank: Int, among ranks: [CPUTopology]) {
        let own = ranks[rank]
        let cores = Self.coreShare(of: own, among: ranks)
        let quotas = own.quotas.map { quota in
            let members = ranks.count { $0.quotas.contains { $0.group == quota.group } }
            return (quota: quota.processors, members: members, share: quota.processors / Double(members))
        }
        let tightest = quotas.min { $0.share < $1.share }
        // With rounding, three thirds of a core may add up to less than 1.
        threads = max(Int(min(cores, tightest?.share ?? .infinity) + 1e-6), 1)
        let sharing = ranks.count { !$0.cores.numbers.isDisjoint(with: own.cores.numbers) }
        description =
            "\(Self.mask(own)) in the affinity mask\(Self.shared(by: sharing)); "
            + (tightest.map {
                "a CPU quota of \(Self.cores($0.quota))\(Self.shared(by: $0.members))"
            } ?? "no CPU quota")
    }

    /// The rank's share of the cores: each core of its mask, divided by the number of ranks whose
    /// masks contain it.
    private static func coreShare(of own: CPUTopology, among ranks: [CPUTopology]) -> Double {
        var users: [Int: Int] = [:]
        for rank in ranks {
            for core in rank.cores.numbers { users[core, default: 0] += 1 }
        }
        return own.cores.numbers.reduce(0) { $0 + 1 / Double(users[$1] ?? 1) }
    }

    private static func mask(_ topology: CPUTopology) -> String {
        let count = topology.cores.numbers.count
        let cores = count == 1 ? "1 core" : "\(count) cores"
        return topology.processorCount == count
            ? cores : "\(cores) with \(topology.processorCount) hardware threads"
    }

    private static func shared(by ranks: Int) -> String {
        ranks > 1 ? ", shared by \(ranks) ranks" : ""
    }

    /// A quota, with two decimals at most.
    private static func cores(_ value: Double) -> String {
        let hundredths = Int((100 * value).rounded())
        guard hundredths != 100 else { return "1 core" }
        return "\(decimal(hundredths)) cores"
    }

    private static func decimal(_ hundredths: Int) -> String {
        guard !hundredths.isMultiple(of: 100) else { return "\(hundredths / 100)" }
        let digits = "\(100 + hundredths % 100)".dropFirst()
        return "\(hundredths / 100).\(digits.last == "0" ? digits.dropLast() : digits)"
    }
}
