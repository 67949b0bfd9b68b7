/// The ranks that judge the others, and who speaks after them.
package struct Judges: Equatable, Sendable {
    /// So many hosts may be lost at a time but for one, and somebody is left who hears all others.
    private static let most = 3
    private static let neighborCount = 4

    /// In the order in which they speak: the first ranks of the first hosts, then, where there are fewer hosts, others.
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

    /// Whom a rank that is no judge tells that it lives once it hears no judge any more: the next ranks, on its host and on others.
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
    /// Each once, in the order in which they come first.
    var withoutRepeats: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
