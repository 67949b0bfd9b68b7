/// What one rank knows of the others by their heartbeats, and whom it blames when a job stands still.
///
/// The judges (`Judges`) hear all ranks, and all ranks hear them. The first judge speaks; the next one where those before it are silent.
/// A rank that hears no judge any more listens to other hosts' ranks: hears it one of them, the judges are lost, and it names them; hears
/// it none, it is cut off itself.
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
        /// For work whose length nobody knows: what comes before the first steps, and what has none.
        package var work = 300.0
        /// For a file system that does not answer.
        package var files = 600.0
        /// For ranks that all wait for each other where no step has been made.
        package var waiting = 60.0
        /// Between a rank that could speak for lost judges and the next one, so that one of them does.
        package var turn = 1.0
        /// A gap between two looks by which this process itself must have stood still.
        package var gap = 2.0
        /// A rank this many times slower than the median is slow.
        package var slowness = 1.3
        /// Steps over which slowness is measured, and seconds that they must take at least: what another program takes for some
        /// seconds is no news.
        package var slowSteps = 20
        package var slowTime = 20.0
        /// Milliseconds in the system that a thread spends at least while it asks for messages, until ranks are named.
        package var polling = 50
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
        /// What its activity said of polling when a rank got on last.
        var polling = 0
        /// At the begin of the stretch over which slowness is measured.
        var mark: Activity?
        var isSlow = false
    }

    private let rank: Int
    private let hosts: [String]
    private let judges: Judges
    private let limits: Limits
    private var peers: [Peer]
    private var lastProgress: Double
    private var lastLook: Double
    private var lastStep: Double?
    private var stepTimes: [Double] = []
    private var markTime = 0.0
    private var hasToldOfUnheard = false
    private let start: Double

    /// - Parameter hosts: The host of each rank.
    package init(rank: Int, hosts: [String], limits: Limits = Limits(), now: Double) {
        self.rank = rank
        self.hosts = hosts
        self.limits = limits
        judges = Judges(hosts: hosts)
        peers = Array(repeating: Peer(), count: hosts.count)
        (lastProgress, lastLook, start) = (now, now, now)
    }

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
            for i in peers.indices { peers[i].polling = peers[i].activity?.polling ?? 0 }
            guard sender == rank, let before, activity.steps > before.steps else { return }
            if let lastStep { stepTimes.append((now - lastStep) / Double(activity.steps - before.steps)) }
            if stepTimes.count > 20 { stepTimes.removeFirst() }
            lastStep = now
        }
    }

    /// Whom this rank's heartbeats are to go to.
    package func receivers(now: Double) -> [Int] {
        if judges.contains(rank) { return Array(peers.indices) }
        let areAllQuiet = judges.ranks.allSatisfy { isQuiet($0, now) || peers[$0].isGone }
        return judges.ranks + (areAllQuiet ? judges.neighbors(of: rank) : [])
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

    // MARK: - Silence

    private var silenceLimit: Double { max(limits.least, limits.steps * (stepTime ?? 0)) }

    /// Ranks that were heard and are to be.
    private var watched: [Int] {
        peers.indices.filter { other in
            other != rank && !peers[other].isGone && peers[other].heard != nil
                && (judges.contains(rank) || judges.contains(other))
        }
    }

    private func isSilent(_ other: Int, _ now: Double) -> Bool {
        peers[other].heard.map { now - $0 > silenceLimit } ?? false
    }

    /// Who is cut off has heard one rank a little later than another: all are quiet before all have been so for long.
    private func isQuiet(_ other: Int, _ now: Double) -> Bool {
        peers[other].heard.map { now - $0 > silenceLimit / 2 } ?? false
    }

    /// Ranks that were heard and no longer are.
    private func silence(_ now: Double) -> Verdict? {
        let silent = watched.filter { isSilent($0, now) }
        guard !silent.isEmpty, let turn = turn(now) else { return nil }
        let isOverdue = silent.allSatisfy { now - peers[$0].heard! > silenceLimit + turn.delay }
        if isCutOff(now) {
            guard turn.isJudge || isOverdue else { return nil }
            return .cutOff("\(name(rank)) hears no other host: this host is cut off from the others")
        }
        guard turn.isJudge ? turn.delay == 0 : isOverdue else { return nil }
        return .blame("\(lost(silent, now)): frozen, dead or cut off")
    }

    /// Whether and when this rank is to speak; `nil` while a judge that others listen to may.
    private func turn(_ now: Double) -> (isJudge: Bool, delay: Double)? {
        if let place = judges.ranks.firstIndex(of: rank) {
            let areLost = judges.ranks[..<place].allSatisfy { isSilent($0, now) || peers[$0].isGone }
            return (true, areLost ? 0 : .infinity)
        }
        guard judges.ranks.allSatisfy({ isSilent($0, now) || peers[$0].isGone || peers[$0].heard == nil })
        else { return nil }
        let first = isCutOff(now) ? hosts.firstIndex(of: hosts[rank])! : 0
        let before = (first..<rank).count { !judges.contains($0) }
        return (false, limits.turn * Double(min(before, 10) + (isCutOff(now) ? 0 : 1)))
    }

    /// Whether no rank of another host is heard. With two hosts nobody can tell which one is cut off: each names the other.
    private func isCutOff(_ now: Double) -> Bool {
        let others = peers.indices.filter {
            hosts[$0] != hosts[rank] && !peers[$0].isGone && peers[$0].heard != nil
        }
        return Set(others.map { hosts[$0] }).count >= 2 && others.allSatisfy { isQuiet($0, now) }
    }

    /// Names ranks that are silent, by their host where it is lost with several.
    private func lost(_ silent: [Int], _ now: Double) -> String {
        var lines: [String] = []
        for host in silent.map({ hosts[$0] }).withoutRepeats {
            let all = peers.indices.filter { hosts[$0] == host && !peers[$0].isGone }
            let own = silent.filter { hosts[$0] == host }
            if own.count > 1 && own.count == all.count {
                lines.append(
                    "host \(host) with ranks \(own.map(String.init).joined(separator: ", ")) has given \(sign(own[0], now))"
                )
            } else {
                lines += own.map { "\(name($0)) has given \(sign($0, now))" }
            }
        }
        return lines.prefix(4).joined(separator: "; ")
            + (lines.count > 4 ? "; and \(lines.count - 4) more" : "")
    }

    private func sign(_ other: Int, _ now: Double) -> String {
        "no sign of life for \(Int(now - peers[other].heard!)) s, last \(doing(other))"
    }

    private func name(_ rank: Int) -> String { "rank \(rank) (\(hosts[rank]))" }

    private func doing(_ rank: Int) -> String {
        guard let activity = peers[rank].activity else { return "before its first step" }
        return "after step \(activity.step), in phase '\(activity.phase)'"
    }

    // MARK: - Standing still

    /// All ranks live, and none gets on.
    private func standstill(_ now: Double) -> Verdict? {
        guard judges.succession.first(where: { !peers[$0].isGone }) == rank else { return nil }
        let live = peers.indices.filter { !peers[$0].isGone && peers[$0].activity != nil }
        let idle = now - lastProgress
        let busy = live.filter { !peers[$0].activity!.isWaiting }
        guard !busy.isEmpty else { return deadlock(live, idle) }
        let isUnwaited = busy.count == peers.count
        let culprits = busy.filter {
            idle > patience(peers[$0].activity!) * (isUnwaited ? limits.unwaited : 1)
        }
        guard !culprits.isEmpty else { return nil }
        let rest = isUnwaited ? "no rank gets on" : "the other ranks wait for it"
        return .blame("\(standing(culprits, idle)): \(rest)")
    }

    /// How long a rank may stand still.
    private func patience(_ activity: Activity) -> Double {
        switch activity.patience {
        case .steps: stepTime.map { max(limits.least, limits.steps * $0) } ?? limits.work
        case .work: limits.work
        case .files: limits.files
        }
    }

    /// All ranks wait: whom for?
    private func deadlock(_ live: [Int], _ idle: Double) -> Verdict? {
        let limit = stepTime.map { max(limits.least, limits.steps * $0) } ?? limits.waiting
        guard !live.isEmpty, idle > limit else { return nil }
        let culprits = hindmost(live)
        if culprits.count < live.count {
            return .blame("\(standing(culprits, idle)): the other ranks wait for it")
        }
        guard idle > 2 * limits.least else { return nil }
        return .blame(
            """
            all ranks have waited for each other for \(Int(idle)) s, last \(doing(live[0])): messages between hosts are lost
            """)
    }

    private func standing(_ culprits: [Int], _ idle: Double) -> String {
        culprits.prefix(4).map { "\(name($0)) has not got on for \(Int(idle)) s, \(doing($0))" }
            .joined(separator: "; ")
    }

    /// Of ranks that all wait, those that are behind the others.
    ///
    /// A rank that stops inside a collective function seems to wait as the others do, but these leave the function, or get further
    /// in it, with what it has sent before, and wait for it at a later place. Its partner of the moment may not: of several at one place, it is
    /// the one that does not ask for messages.
    private func hindmost(_ ranks: [Int]) -> [Int] {
        let place = { (rank: Int) in
            (peers[rank].activity!.collectives, peers[rank].activity!.exchanges)
        }
        guard let first = ranks.map(place).min(by: <) else { return [] }
        let last = ranks.filter { place($0) == first }
        let deaf = last.filter { peers[$0].activity!.polling - peers[$0].polling < limits.polling }
        return deaf.isEmpty ? last : deaf
    }

    // MARK: - Notices

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

    /// A line about a call to the file system that holds up this rank, once it has for long.
    package func stalledFile(_ path: String, seconds: Double) -> String? {
        guard seconds > limits.least else { return nil }
        return """
            \(name(rank)) has waited for the file system for \(Int(seconds)) s, at \(path): the job goes on when it answers, and ends \
            after \(Int(limits.files)) s
            """
    }
}
