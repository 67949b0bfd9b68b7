/// What one rank knows of the others by their heartbeats, and whom it blames when a job stands still.
///
/// Times are seconds on the clock of this rank alone. Nothing here looks at a clock or a network.
package struct RankWatch {
    /// Limits in seconds.
    package struct Limits {
        /// The least time without a sign of life, or without progress, that counts.
        package var least = 8.0
        /// As many steps must pass without progress.
        package var steps = 4.5
        /// So many times longer while no rank waits: then none holds up another, and it may be the machine that is busy.
        package var unwaited = 4.0
        /// For what comes before the first steps, whose length nobody knows.
        package var start = 300.0
        /// For phases that are known to be slow.
        package var slow = 600.0
        /// A gap between two looks by which this process itself must have stood still.
        package var gap = 2.0
        /// A rank this many times slower than the median is slow.
        package var slowness = 1.3
        /// Steps over which slowness is measured, and seconds that they must take at least: what another program takes for some
        /// seconds is no news.
        package var slowSteps = 20
        package var slowTime = 20.0
        /// Seconds a step by which a slow rank must be behind, whatever the ratio.
        package var slowLeast = 0.005

        package init() {}
    }

    /// Why the job is to end.
    package enum Verdict: Equatable {
        /// Others are to blame.
        case blame(String)
        /// This rank hears nobody.
        case cutOff(String)
    }

    private struct Peer {
        var heard: Double?
        var activity: Activity?
        var isGone = false
        /// At the begin of the stretch over which slowness is measured.
        var mark: Activity?
        var isSlow = false
    }

    private let rank: Int
    private let hosts: [String]
    private let phases: [String]
    private let limits: Limits
    private var peers: [Peer]
    private var lastProgress: Double
    private var lastLook: Double
    private var lastStep: Double?
    private var stepTimes: [Double] = []
    private var markTime = 0.0
    private var hasToldOfUnheard = false
    private let start: Double

    /// - Parameters:
    ///   - hosts: The host of each rank.
    ///   - phases: Names of the phases.
    package init(rank: Int, hosts: [String], phases: [String], limits: Limits = Limits(), now: Double) {
        self.rank = rank
        self.hosts = hosts
        self.phases = phases
        self.limits = limits
        peers = Array(repeating: Peer(), count: hosts.count)
        (lastProgress, lastLook, start) = (now, now, now)
    }

    /// Whether this rank hears all others, and so can judge them; others hear those two alone.
    package static func isMonitor(_ rank: Int) -> Bool { rank < 2 }

    package mutating func hear(_ heartbeat: Heartbeat, from sender: Int, now: Double) {
        peers[sender].heard = now
        switch heartbeat {
        case .leaving: peers[sender].isGone = true
        case .ending: break
        case .alive(let activity):
            let before = peers[sender].activity
            peers[sender].activity = activity
            guard before?.progress != activity.progress else { return }
            lastProgress = now
            guard sender == rank, let before, activity.steps > before.steps else { return }
            if let lastStep { stepTimes.append((now - lastStep) / Double(activity.steps - before.steps)) }
            if stepTimes.count > 20 { stepTimes.removeFirst() }
            lastStep = now
        }
    }

    /// The time of a step so far; `nil` before the second one.
    private var stepTime: Double? {
        stepTimes.isEmpty ? nil : stepTimes.sorted()[stepTimes.count / 2]
    }

    /// Judges the others; to be called about twice a second.
    package mutating func look(now: Double) -> Verdict? {
        forgetGap(now)
        return silence(now) ?? standstill(now)
    }

    /// This process stood still itself: what it did not hear is not the others' fault.
    private mutating func forgetGap(_ now: Double) {
        let gap = now - lastLook
        lastLook = now
        guard gap > limits.gap else { return }
        lastProgress += gap
        for i in peers.indices { peers[i].heard? += gap }
    }

    private func name(_ rank: Int) -> String { "rank \(rank) (\(hosts[rank]))" }

    private func doing(_ rank: Int) -> String {
        guard let activity = peers[rank].activity else { return "before its first step" }
        let phase = activity.phase < phases.count ? phases[activity.phase] : "phase \(activity.phase)"
        return "after step \(activity.step), in phase '\(phase)'"
    }

    /// Ranks that were heard and no longer are.
    private func silence(_ now: Double) -> Verdict? {
        let limit = max(limits.least, limits.steps * (stepTime ?? 0))
        let watched = peers.indices.filter { other in
            other != rank && !peers[other].isGone && peers[other].heard != nil
                && (RankWatch.isMonitor(rank) || RankWatch.isMonitor(other))
        }
        let silent = watched.filter { now - peers[$0].heard! > limit }
        guard !silent.isEmpty else { return nil }
        // Who is cut off has heard one rank a little later than another: all are silent before all have been so for long.
        let quiet = watched.count { now - peers[$0].heard! > limit / 2 }
        // With two ranks on two hosts nobody can tell which one is cut off: the other is named.
        if quiet == watched.count && (peers.count > 2 || !RankWatch.isMonitor(rank))
            && spansHosts(watched)
        {
            return .cutOff("\(name(rank)) hears no other rank: this host is cut off from the others")
        }
        guard RankWatch.isMonitor(rank) else { return nil }
        // Rank 1 speaks for rank 0 alone; of the others rank 0 does.
        if rank == 1 && !silent.contains(0) { return nil }
        let list = silent.prefix(4).map { other in
            "\(name(other)) has given no sign of life for \(Int(now - peers[other].heard!)) s, last \(doing(other))"
        }
        return .blame("\(list.joined(separator: "; ")): frozen, dead or cut off")
    }

    /// Whether one of `ranks` is on another host than this one.
    private func spansHosts(_ ranks: [Int]) -> Bool { ranks.contains { hosts[$0] != hosts[rank] } }

    /// All ranks live, and none gets on.
    private func standstill(_ now: Double) -> Verdict? {
        guard rank == 0 else { return nil }
        let live = peers.indices.filter { !peers[$0].isGone && peers[$0].activity != nil }
        let idle = now - lastProgress
        let busy = live.filter { !peers[$0].activity!.isWaiting }
        let isUnwaited = busy.count == peers.count
        let limit = max(limits.least, limits.steps * (stepTime ?? 0)) * (isUnwaited ? limits.unwaited : 1)
        guard !live.isEmpty, idle > limit else { return nil }
        if busy.contains(where: { peers[$0].activity!.isSlow }) && idle < limits.slow { return nil }
        if stepTime == nil && idle < limits.start { return nil }
        let culprits = busy.isEmpty ? hindmost(live) : busy
        guard culprits.count < live.count || !busy.isEmpty else {
            guard idle > 2 * limits.least else { return nil }
            return .blame(
                "all ranks have waited for each other for \(Int(idle)) s, last \(doing(0)): messages between hosts are lost"
            )
        }
        let list = culprits.prefix(4).map { "\(name($0)) has not got on for \(Int(idle)) s, \(doing($0))" }
        let rest = isUnwaited ? "no rank gets on" : "the other ranks wait for it"
        return .blame("\(list.joined(separator: "; ")): \(rest)")
    }

    /// Of ranks that all wait, those that are behind the others.
    ///
    /// A rank that stops inside a collective function seems to wait as the others do, but these leave the function, or get further
    /// in it, with what it has sent before, and wait for it at a later place.
    private func hindmost(_ ranks: [Int]) -> [Int] {
        let place = { (rank: Int) in
            (peers[rank].activity!.collectives, peers[rank].activity!.exchanges)
        }
        guard let first = ranks.map(place).min(by: <) else { return [] }
        return ranks.filter { place($0) == first }
    }

    /// Lines about ranks that hold up the others, each once until it has caught up.
    package mutating func slowRanks(now: Double) -> [String] {
        let live = peers.indices.filter { !peers[$0].isGone && peers[$0].activity != nil }
        guard rank == 0, live.count == peers.count, live.count > 1 else { return [] }
        for i in live where peers[i].mark == nil {
            peers[i].mark = peers[i].activity
            markTime = now
        }
        guard now - markTime >= limits.slowTime,
            live.allSatisfy({ peers[$0].activity!.steps - peers[$0].mark!.steps >= limits.slowSteps })
        else {
            return []
        }
        let data = live.map { perStep($0, \.dataTime) }
        let compute = live.map { perStep($0, \.computeTime) }
        let whole = zip(data, compute).map { $0 + $1 }
        let median = { (values: [Double]) in values.sorted()[(values.count - 1) / 2] }
        var lines: [String] = []
        for i in live {
            let isSlow =
                whole[i] >= limits.slowness * median(whole) && whole[i] - median(whole) > limits.slowLeast
            if isSlow && !peers[i].isSlow {
                let waits = data[i] - median(data) > compute[i] - median(compute)
                let (own, others) = waits ? (data[i], median(data)) : (compute[i], median(compute))
                lines.append(
                    """
                    \(name(i)) is \(tenths(whole[i] / median(whole))) times slower than the median rank, by \
                    \(waits ? "waiting for data" : "computing"): \(milliseconds(own)) ms a step against \(milliseconds(others)) ms
                    """)
            }
            peers[i].isSlow = isSlow
            peers[i].mark = peers[i].activity
        }
        markTime = now
        return lines
    }

    private func perStep(_ rank: Int, _ time: KeyPath<Activity, Int64>) -> Double {
        let (mark, activity) = (peers[rank].mark!, peers[rank].activity!)
        return Double(activity[keyPath: time] - mark[keyPath: time]) / 1e9
            / Double(activity.steps - mark.steps)
    }

    private func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
    private func milliseconds(_ value: Double) -> String { "\(Int((value * 1000).rounded()))" }

    /// A line about ranks that were never heard, once.
    package mutating func unheardRanks(now: Double) -> String? {
        guard rank == 0, !hasToldOfUnheard, now - start > 2 * limits.least else { return nil }
        let unheard = peers.indices.filter { $0 != rank && peers[$0].heard == nil }
        guard let first = unheard.first else { return nil }
        hasToldOfUnheard = true
        return """
            no heartbeats from \(unheard.count) ranks, \(name(first)) for one: they are not watched; let UDP pass between the \
            hosts, or set cluster.watchdog to false
            """
    }
}
