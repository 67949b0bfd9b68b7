internal import Foundation
internal import Synchronization

/// Watches the ranks of a job beside MPI, which waits for a lost rank for ever: names the one that holds up the others.
///
/// Each rank sends a heartbeat twice a second to ranks 0 and 1, which answer with their own. Rank 0 judges; rank 1 judges rank 0. A
/// rank that hears neither of them is cut off and says so itself. See `RankWatch` for the rules.
public final class Watchdog: Sendable {
    /// What a watchdog has to say, on a thread of its own.
    public enum Report: Equatable, Sendable {
        /// The job goes on.
        case notice(String)
        /// The job cannot go on; one line that names the culprit. This process is to end, whatever it waits for.
        case failure(String)
        /// Another rank has said why the job cannot go on; this process is to end without a word.
        case end
    }

    private static let interval = 0.5
    /// Times that a message which must not be lost is sent.
    private static let repetitions = 3

    private let job: UInt64
    private let rank: Int
    private let socket: DatagramSocket?
    /// Where each rank hears; none where it does not.
    private let addresses: [[DatagramSocket.Address]]
    private let hosts: [String]
    private let phases: [String]
    private let activity: @Sendable () -> Activity
    private let report: @Sendable (Report) -> Void
    private let isStopped = Atomic<Bool>(false)

    /// Starts to watch; collective.
    ///
    /// - Parameters:
    ///   - phases: Names of the phases that activities tell of.
    ///   - activity: What this rank does; called twice a second, on another thread.
    ///   - report: Called on another thread.
    public init(
        _ communicator: any Communicator, phases: [String], activity: @escaping @Sendable () -> Activity,
        report: @escaping @Sendable (Report) -> Void
    ) throws(MPIError) {
        rank = communicator.rank
        self.phases = phases
        self.activity = activity
        self.report = report
        socket = DatagramSocket()
        hosts = try communicator.hostNames()
        var number = [Int64.random(in: 0...Int64.max)]
        var span = number.mutableSpan
        try communicator.broadcast(&span, from: 0)
        job = UInt64(number[0])
        addresses = try Self.gather(socket, hosts, communicator)
        guard socket != nil, communicator.worldSize > 1 else { return }
        let thread = Thread { [self] in watch() }
        thread.name = "watchdog"
        thread.start()
    }

    /// Ends watching, and tells the others that this rank may be silent from now on.
    public func stop() {
        guard isStopped.exchange(true, ordering: .sequentiallyConsistent) == false else { return }
        for _ in 0..<Self.repetitions { send(.leaving, to: addresses.indices) }
    }

    private static func gather(
        _ socket: DatagramSocket?, _ hosts: [String], _ communicator: any Communicator
    ) throws(MPIError) -> [[DatagramSocket.Address]] {
        let most = 4
        // The port, 0 for none, then addresses.
        var own = [Int32](repeating: 0, count: 1 + most)
        own[0] = Int32(socket?.port ?? 0)
        for (i, host) in DatagramSocket.hostAddresses().prefix(most).enumerated() {
            own[1 + i] = Int32(bitPattern: host)
        }
        let all = try communicator.allGather(
            own.span, counts: Array(repeating: own.count, count: communicator.worldSize))
        return hosts.indices.map { other in
            let entry = all[other * own.count..<(other + 1) * own.count]
            guard let port = entry.first, port != 0 else { return [] }
            var found = entry.dropFirst().filter { $0 != 0 }.map { UInt32(bitPattern: $0) }
            if hosts[other] == communicator.hostName { found = [DatagramSocket.loopback] }
            return found.map { DatagramSocket.Address(host: $0, port: UInt16(port)) }
        }
    }

    private func send(_ heartbeat: Heartbeat, to ranks: some Sequence<Int>) {
        let message = heartbeat.message(from: rank, job: job)
        for other in ranks where other != rank {
            for address in addresses[other] { socket?.send(message, to: address) }
        }
    }

    /// The thread.
    private func watch() {
        let clock = ContinuousClock()
        let start = clock.now
        let seconds = { (clock.now - start).inSeconds }
        var watch = RankWatch(rank: rank, hosts: hosts, phases: phases, now: 0)
        var nextBeat = 0.0
        while !isStopped.load(ordering: .acquiring) {
            if seconds() >= nextBeat {
                nextBeat = seconds() + Self.interval
                let own = Heartbeat.alive(activity())
                watch.hear(own, from: rank, now: seconds())
                send(own, to: RankWatch.isMonitor(rank) ? addresses.indices : 0..<min(2, addresses.count))
                if let verdict = watch.look(now: seconds()) { return end(verdict) }
                for line in watch.slowRanks(now: seconds()) { report(.notice(line)) }
                if let line = watch.unheardRanks(now: seconds()) { report(.notice(line)) }
            }
            let wait = max(0, min(Self.interval, nextBeat - seconds()))
            guard let bytes = socket?.receive(milliseconds: Int32(wait * 1000) + 1),
                let (sender, heartbeat) = Heartbeat.read(bytes, job: job, worldSize: hosts.count)
            else { continue }
            if heartbeat == .ending { return report(.end) }
            watch.hear(heartbeat, from: sender, now: seconds())
        }
    }

    private func end(_ verdict: RankWatch.Verdict) {
        guard !isStopped.load(ordering: .acquiring) else { return }
        switch verdict {
        case .blame(let line), .cutOff(let line): report(.failure(line))
        }
        for _ in 0..<Self.repetitions { send(.ending, to: addresses.indices) }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
