/// The ranks that judge the others, and the order in which ranks report a failure.
package struct Judges: Equatable, Sendable {
    /// The number of judges. If they are on different hosts, all of these hosts but one may be lost
    /// at once, and a rank is left that receives from all others.
    private static let most = 3
    private static let neighborCount = 4

    /// The judges in the order in which they report: the first rank of each of the first hosts,
    /// then other ranks if there are fewer hosts.
    package let ranks: [Int]
    private let hosts: [String]
    private let isJudge: Set<Int>

    /// - Parameter hosts: The host of each rank.
    package init(hosts: [String]) {
        self.hosts = hosts
        let firsts = hosts.withoutRepeats.map { hosts.firstIndex(of: $0)! }
        let others = hosts.indices.filter { !firsts.contains($0) }
        ranks = Array((firsts + others).prefix(Self.most))
        isJudge = Set(ranks)
    }

    package func contains(_ rank: Int) -> Bool { isJudge.contains(rank) }

    /// All ranks, the judges first.
    package var succession: [Int] { ranks + hosts.indices.filter { !isJudge.contains($0) } }

    /// The ranks to which a rank that is not a judge sends heartbeats once it no longer receives
    /// from any judge: the next ranks on its host and on other hosts.
    package func neighbors(of rank: Int) -> [Int] {
        let next = (1..<max(hosts.count, 1)).map { (rank + $0) % hosts.count }.filter {
            !isJudge.contains($0)
        }
        var found: [Int] = []
        var seen: Set<String> = []
        for other in next where hosts[other] != hosts[rank] && seen.insert(hosts[other]).inserted {
            found.append(other)
        }
        return Array(found.prefix(Self.neighborCount))
            + next.filter { hosts[$0] == hosts[rank] }.prefix(Self.neighborCount)
    }
}

extension [String] {
    /// The distinct strings, in the order of their first occurrence.
    var withoutRepeats: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
