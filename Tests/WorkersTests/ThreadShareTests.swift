import Testing
import Workers

/// How the ranks of a host divide its cores and quotas; independent of the machine.
@Suite(.timeLimit(.minutes(30)))
struct ThreadShareTests {
    private func rank(_ cores: Range<Int>, hardwareThreads: Int = 1, _ quotas: [String: Double] = [:])
        -> CPUTopology
    {
        CPUTopology(
            cores: ProcessorSet(cores), processorCount: hardwareThreads * cores.count,
            quotas: quotas.map { CPUQuota(group: $0.key, processors: $0.value) })
    }

    private func threads(_ ranks: [CPUTopology]) -> [Int] {
        ranks.indices.map { ThreadShare(of: $0, among: ranks).threads }
    }

    /// Two sockets of 64 cores, to which `mpirun -n 8` binds four ranks each.
    @Test func ranksOfOneMaskDivideIt() {
        let ranks = (0..<8).map { rank($0 < 4 ? 0..<64 : 64..<128) }
        #expect(threads(ranks) == [Int](repeating: 16, count: 8))
        #expect(
            ThreadShare(of: 5, among: ranks).description
                == "64 cores in the affinity mask, shared by 4 ranks; no CPU quota")
    }

    @Test func aMaskOfItsOwnIsARanksAlone() {
        let ranks = (0..<4).map { rank(8 * $0..<8 * $0 + 8) }
        #expect(threads(ranks) == [8, 8, 8, 8])
        #expect(ThreadShare(of: 1, among: ranks).description == "8 cores in the affinity mask; no CPU quota")
        #expect(threads([rank(0..<128)]) == [128])
    }

    @Test func masksThatOverlapDivideWhatTheyShare() {
        // Two of the four cores are also in the other rank's mask.
        #expect(threads([rank(0..<4), rank(2..<6)]) == [3, 3])
        // A launcher with the whole host beside a rank bound to four cores.
        #expect(threads([rank(0..<8), rank(0..<4)]) == [6, 2])
    }

    @Test func aRankHasOneThreadAtLeastAndNoPartOfOne() {
        #expect(threads([CPUTopology](repeating: rank(0..<2), count: 3)) == [1, 1, 1])
        #expect(threads([CPUTopology](repeating: rank(0..<5), count: 2)) == [2, 2])
        // Thirds of three cores add up to one core, not slightly less.
        #expect(threads([CPUTopology](repeating: rank(0..<3), count: 3)) == [1, 1, 1])
        #expect(threads([CPUTopology](repeating: rank(0..<6), count: 3)) == [2, 2, 2])
        #expect(threads([rank(0..<0)]) == [1])
        #expect(threads([rank(0..<4, ["": 0.25])]) == [1])
    }

    @Test func hardwareThreadsAreNotCores() {
        let share = ThreadShare(of: 0, among: [rank(0..<64, hardwareThreads: 2)])
        #expect(share.threads == 64)
        #expect(share.description == "64 cores with 128 hardware threads in the affinity mask; no CPU quota")
    }

    @Test func aQuotaIsSharedByTheRanksOfItsGroup() {
        let shared = [CPUTopology](repeating: rank(0..<64, ["job": 10]), count: 4)
        #expect(threads(shared) == [2, 2, 2, 2])
        #expect(
            ThreadShare(of: 0, among: shared).description
                == "64 cores in the affinity mask, shared by 4 ranks; a CPU quota of 10 cores, shared by 4 ranks"
        )
        // One container per rank.
        let own = (0..<4).map { rank(0..<64, ["\($0)": 10]) }
        #expect(threads(own) == [10, 10, 10, 10])
        // A quota above the number of cores has no effect.
        #expect(threads([rank(0..<4, ["job": 9])]) == [4])
    }

    @Test func theTightestOfNestedQuotasHolds() {
        let ranks = [
            rank(0..<64, ["a": 8, "job": 12]), rank(0..<64, ["b": 3.5, "job": 12]), rank(0..<64, ["job": 12]),
        ]
        #expect(threads(ranks) == [4, 3, 4])
        #expect(
            ThreadShare(of: 1, among: ranks).description
                == "64 cores in the affinity mask, shared by 3 ranks; a CPU quota of 3.5 cores")
    }

    @Test(arguments: [
        (1.0, "1 core"), (1.25, "1.25 cores"), (0.5, "0.5 cores"), (12, "12 cores"), (2.05, "2.05 cores"),
    ])
    func aQuotaIsToldInCores(quota: Double, text: String) {
        #expect(
            ThreadShare(of: 0, among: [rank(0..<1, ["job": quota])]).description
                == "1 core in the affinity mask; a CPU quota of \(text)")
    }
}
