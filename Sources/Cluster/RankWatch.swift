/// One rank's view of the others by their heartbeats, and its choice of the ranks to blame when a
/// job makes no progress.
///
/// The judges (`Judges`) receive from all ranks, and all ranks receive from them. The first judge
/// reports; a later judge reports if those before it are silent. A rank that no longer receives
/// from any judge receives from ranks of other hosts instead: if it receives from one of them, the
/// judges are lost, and it names them; if it receives from none, its own host is cut off.
///
/// Times are seconds on this rank's own clock. Nothing here reads a clock or uses the network.
package struct RankWatch {
    /// Why the job is to end.
    package enum Verdict: Equatable {
        /// Other ranks are to blame.
        case blame(String)
        /// This rank receives from no rank of another host.
        case cutOff(String)
    }

    private struct Peer {
        var received: Double?
        var activity: Activity?
        var isGone = false
        /// The rank's `activity.polling` when any rank last made progress.
        var polling = 0
        /// The rank's activity at the start of the interval over which slowness is measured.
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

    package mutating func receive(_ heartbeat: Heartbeat, from sender: Int, now: Double) {
        peers[sender].received = now
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

    /// The ranks to which this rank sends its heartbeats.
    package func receivers(now: Double) -> [Int] {
        if judges.contains(rank) { return Array(peers.indices) }
        let areAllQuiet = judges.ranks.allSatisfy { isQuiet($0, now) || peers[$0].isGone }
        return judges.ranks + (areAllQuiet ? judges.neighbors(of: rank) : [])
    }

    /// The median time of the last 20 steps; `nil` before the second step.
    private var stepTime: Double? {
        stepTimes.isEmpty ? nil : stepTimes.sorted()[stepTimes.count / 2]
    }

    /// Judges the other ranks; call it about twice a second.
    package mutating func look(now: Double) -> Verdict? {
        forgetGap(now)
        return silence(now) ?? standstill(now)
    }

    /// Discounts a time in which this process itself was stopped: the other ranks are not to blame
    /// for heartbeats that it did not receive.
    private mutating func forgetGap(_ now: Double) {
        let gap = now - lastLook
        lastLook = now
        guard gap > limits.gap else { return }
        lastProgress += gap
        for i in peers.indices { peers[i].received? += gap }
    }

    // MARK: - Silence

    private var silenceLimit: Double { max(limits.least, limits.steps * (stepTime ?? 0)) }

    /// The ranks that have sent a heartbeat and must continue to send them.
    private var watched: [Int] {
        peers.indices.filter { other in
            other != rank && !peers[other].isGone && peers[other].received != nil
                && (judges.contains(rank) || judges.contains(other))
        }
    }

    private func isSilent(_ other: Int, _ now: Double) -> Bool {
        peers[other].received.map { now - $0 > silenceLimit } ?? false
    }

    /// Whether a rank has been silent for half the limit. The last heartbeats that a cut-off rank
    /// received arrived at slightly different times: with half the limit all senders are quiet by
    /// the time the first of them counts as silent.
    private func isQuiet(_ other: Int, _ now: Double) -> Bool {
        peers[other].received.map { now - $0 > silenceLimit / 2 } ?? false
    }

    /// Blames ranks whose heartbeats have stopped.
    private func silence(_ now: Double) -> Verdict? {
        let silent = watched.filter { isSilent($0, now) }
        guard !silent.isEmpty, let turn = turn(now) else { return nil }
        let isOverdue = silent.allSatisfy { now - peers[$0].received! > silenceLimit + turn.delay }
        if isCutOff(now) {
            guard turn.isJudge || isOverdue else { return nil }
            return .cutOff("\(name(rank)) receives from no other host: this host is cut off from the others")
        }
        guard turn.isJudge ? turn.delay == 0 : isOverdue else { return nil }
        return .blame("\(lost(silent, now)): frozen, dead or cut off")
    }

    /// Whether this rank may report as a judge, or else after how many more seconds of silence;
    /// `nil` while a judge that this rank receives from may report.
    private func turn(_ now: Double) -> (isJudge: Bool, delay: Double)? {
        if let place = judges.ranks.firstIndex(of: rank) {
            let areLost = judges.ranks[..<place].allSatisfy { isSilent($0, now) || peers[$0].isGone }
            return (true, areLost ? 0 : .infinity)
        }
        guard judges.ranks.allSatisfy({ isSilent($0, now) || peers[$0].isGone || peers[$0].received == nil })
        else { return nil }
        let first = isCutOff(now) ? hosts.firstIndex(of: hosts[rank])! : 0
        let before = (first..<rank).count { !judges.contains($0) }
        return (false, limits.turn * Double(min(before, 10) + (isCutOff(now) ? 0 : 1)))
    }

    /// Whether this rank receives from no rank of another host. With two hosts no rank can tell
    /// which one is cut off: each blames the other.
    private func isCutOff(_ now: Double) -> Bool {
        let others = peers.indices.filter {
            hosts[$0] != hosts[rank] && !peers[$0].isGone && peers[$0].received != nil
        }
        return Set(others.map { hosts[$0] }).count >= 2 && others.allSatisfy { isQuiet($0, now) }
    }

    /// Describes the silent ranks; a host that is lost with several ranks is described as a whole.
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
        "no sign of life for \(Int(now - peers[other].received!)) s, last \(doing(other))"
    }

    private func name(_ rank: Int) -> String { "rank \(rank) (\(hosts[rank]))" }

    private func doing(_ rank: Int) -> String {
        guard let activity = peers[rank].activity else { return "before its first step" }
        return "after step \(activity.step), in phase '\(activity.phase)'"
    }

    // MARK: - No progress

    /// Blames ranks if all ranks are alive and none makes progress.
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
        let rest = isUnwaited ? "no rank makes progress" : "the other ranks wait for it"
        return .blame("\(standing(culprits, idle)): \(rest)")
    }

    /// Seconds that a rank may go without progress.
    private func patience(_ activity: Activity) -> Double {
        switch activity.patience {
        case .steps: stepTime.map { max(limits.least, limits.steps * $0) } ?? limits.work
        case .work: limits.work
        case .files: limits.files
        }
    }

    /// Blames the ranks that are behind if all ranks wait.
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
        culprits.prefix(4).map { "\(name($0)) has made no progress for \(Int(idle)) s, \(doing($0))" }
            .joined(separator: "; ")
    }

    /// The ranks that are behind the others, if all of `ranks` wait.
    ///
    /// A rank that hangs inside a collective looks like it is waiting. With what it has sent
    /// before, the others leave that collective or get further in it, and wait at a later place.
    /// The culprit is the rank whose collective and exchange counters lag. The counters of its
    /// current partner may lag too: of several ranks at one place, the culprit is the one that does
    /// not poll for messages.
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

    /// One line for each rank that slows down the others; a rank is reported again only after it
    /// has caught up.
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

    /// A line about ranks that have never sent a heartbeat; returned once.
    package mutating func unheardRanks(now: Double) -> String? {
        guard rank == 0, !hasToldOfUnheard, now - start > 2 * limits.least else { return nil }
        let unseen = peers.indices.filter { $0 != rank && peers[$0].received == nil }
        guard let first = unseen.first else { return nil }
        hasToldOfUnheard = true
        return """
            no heartbeats from \(unseen.count) ranks, \(name(first)) for one: they are not watched; let UDP pass between the \
            hosts, or set cluster.watchdog to false
            """
    }

    /// A line about a file-system call that has blocked this rank for more than `limits.least`
    /// seconds.
    package func stalledFile(_ path: String, seconds: Double) -> String? {
        guard seconds > limits.least else { return nil }
        return """
            \(name(rank)) has waited for the file system for \(Int(seconds)) s, at \(path): the job continues when it answers, and ends \
            after \(Int(limits.files)) s
            """
    }
}
