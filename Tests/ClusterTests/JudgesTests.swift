import Cluster
import Testing

/// All ranks of a job with their heartbeats, in simulated time: which ranks report when some stop
/// or are cut off, and which ranks they name.
private struct Network {
    let hosts: [String]
    var watches: [RankWatch]
    var frozen: Set<Int> = []
    var cut: Set<String> = []
    private var now = 0.0
    private var steps = 0

    init(_ hosts: [String]) {
        self.hosts = hosts
        watches = hosts.indices.map { RankWatch(rank: $0, hosts: hosts, now: 0) }
    }

    private func reach(_ a: Int, _ b: Int) -> Bool {
        hosts[a] == hosts[b] || (!cut.contains(hosts[a]) && !cut.contains(hosts[b]))
    }

    /// Runs until a rank reports; each rank makes one step per second.
    ///
    /// - Returns: All reports of that half second.
    mutating func run(_ seconds: Double) -> [Int: RankWatch.Verdict] {
        let end = now + seconds
        let alive = hosts.indices.filter { !frozen.contains($0) }
        while now < end {
            now += 0.5
            steps += frozen.isEmpty && cut.isEmpty ? 1 : 0
            let activity = Activity(
                phase: "backward", isWaiting: !frozen.isEmpty, progress: steps, steps: steps / 2,
                step: steps / 2)
            for rank in alive {
                watches[rank].receive(.alive(activity), from: rank, now: now)
                for other in watches[rank].receivers(now: now)
                where other != rank && !frozen.contains(other) && reach(rank, other) {
                    watches[other].receive(.alive(activity), from: rank, now: now)
                }
            }
            var said: [Int: RankWatch.Verdict] = [:]
            for rank in alive { said[rank] = watches[rank].look(now: now) }
            if !said.isEmpty { return said }
        }
        return [:]
    }

    /// The ranks that a line names.
    func named(_ line: String) -> Set<Int> {
        Set(
            hosts.indices.filter { rank in
                line.contains("rank \(rank) (\(hosts[rank]))")
                    || line.contains("host \(hosts[rank]) with ranks")
            })
    }
}

@Suite(.timeLimit(.minutes(30)))
struct JudgesTests {
    @Test(arguments: [
        ("a", [0]), ("ab", [0, 1]), ("aaaa", [0, 1, 2]), ("aabb", [0, 2, 1]), ("aaabbc", [0, 3, 5]),
        ("abcd", [0, 1, 2]), ("aaabbbcccddd", [0, 3, 6]), ("abab", [0, 1, 2]),
    ])
    func theyAreOnDifferentHostsWhereThereAreSeveral(hosts: String, judges: [Int]) {
        let found = Judges(hosts: hosts.map(String.init))
        #expect(found.ranks == judges)
        #expect(found.succession.sorted() == Array(0..<hosts.count))
    }

    /// Whichever ranks stop, a live rank names only them.
    @Test(arguments: ["aaaaaa", "aaabbb", "aabbcc", "abcdef", "aaaabc", "ababab"])
    func everySetOfStoppedRanksIsNamed(layout: String) {
        let hosts = layout.map(String.init)
        let all = Set(hosts.indices)
        for bits in 1..<(1 << hosts.count) - 1 {
            let frozen = Set(hosts.indices.filter { bits >> $0 & 1 == 1 })
            var network = Network(hosts)
            #expect(network.run(20).isEmpty)
            network.frozen = frozen
            let said = network.run(25)
            let living = Set(all.subtracting(frozen).map { hosts[$0] })
            let lostHosts = Set(hosts).subtracting(living)
            // With three hosts or more, ranks on the only live host cannot tell whether all other
            // hosts are lost or their own is cut off.
            let isAlone = living.count == 1 && lostHosts.count >= 2
            #expect(!said.isEmpty, "\(layout), \(frozen.sorted()): nobody says anything")
            for (rank, verdict) in said {
                switch verdict {
                case .blame(let line):
                    #expect(
                        network.named(line).isSubset(of: frozen) && !network.named(line).isEmpty, "\(line)")
                    #expect(!isAlone, "\(line)")
                case .cutOff(let line):
                    #expect(isAlone, "\(layout), \(frozen.sorted()), rank \(rank): \(line)")
                }
            }
            #expect(isAlone || said.count == 1, "\(layout), \(frozen.sorted()): \(said)")
        }
    }

    @Test(arguments: ["aabb", "aabbcc", "aaaabbbb"]) func aHostThatStopsIsNamedAsAWhole(layout: String) {
        var network = Network(layout.map(String.init))
        #expect(network.run(20).isEmpty)
        network.frozen = Set(network.hosts.indices.filter { network.hosts[$0] == "a" })
        let said = network.run(10)
        guard said.count == 1, case .blame(let line) = said.values.first else {
            Issue.record("\(said)")
            return
        }
        let ranks = network.frozen.sorted().map(String.init).joined(separator: ", ")
        #expect(
            line.hasPrefix("host a with ranks \(ranks) has given no sign of life for 8 s, last after step 20")
        )
    }

    @Test(arguments: ["aabbcc", "aabbccdd", "abcd", "aaabbc"]) func aHostThatIsCutOffIsNamedOnBothSides(
        layout: String
    ) {
        for host in Set(layout.map(String.init)) {
            var network = Network(layout.map(String.init))
            #expect(network.run(20).isEmpty)
            network.cut = [host]
            var sides: Set<Bool> = []
            for _ in 0..<30 {
                for (rank, verdict) in network.run(0.5) {
                    sides.insert(network.hosts[rank] == host)
                    switch verdict {
                    case .cutOff: #expect(network.hosts[rank] == host)
                    case .blame(let line):
                        #expect(network.hosts[rank] != host)
                        #expect(network.named(line).allSatisfy { network.hosts[$0] == host }, "\(line)")
                    }
                }
            }
            #expect(sides == [true, false], "\(layout), \(host)")
        }
    }

    /// The judges have ended, and one rank has not.
    @Test func theLastRankJudgesItself() {
        var watch = RankWatch(rank: 3, hosts: ["a", "a", "b", "b"], now: 0)
        let activity = Activity(
            phase: "end", patience: .work, isWaiting: true, progress: 1, steps: 0, step: 9)
        var verdict: RankWatch.Verdict?
        for half in 1...140 where verdict == nil {
            let now = Double(half) / 2
            if half == 2 { for other in 0..<3 { watch.receive(.leaving, from: other, now: now) } }
            watch.receive(.alive(activity), from: 3, now: now)
            verdict = watch.look(now: now)
        }
        guard case .blame(let line) = verdict else {
            Issue.record("nothing is said")
            return
        }
        #expect(
            line.hasPrefix("all ranks have waited for each other for 60 s, last after step 9, in phase 'end'")
        )
    }
}
