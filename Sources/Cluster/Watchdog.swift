internal import Foundation
internal import Numerics
internal import Synchronization
package import Workers

/// Watches the ranks of a job outside MPI, which waits for a lost rank for ever, and names the rank
/// that blocks the others.
///
/// Each rank sends a heartbeat twice a second to the judges, which send theirs to all ranks;
/// `RankWatch` has the rules. Run it from just after MPI starts until after MPI ends.
package final class Watchdog: Sendable {
    /// A message of the watchdog, sent from the watchdog's thread.
    package enum Report: Equatable, Sendable {
        /// The job continues.
        case notice(String)
        /// The job cannot continue; one line that names the culprit.
        case failure(String)
        /// This process must end, whatever it waits for. If `isOwn` is false, another rank reports
        /// the reason, and this process ends after it.
        case end(isOwn: Bool)
    }

    private static let interval = 0.5
    /// The number of times that a message which must not be lost is sent.
    private static let repetitions = 3

    private let job: UInt64
    private let rank: Int
    private let board: ActivityBoard
    private let exchangeCount: @Sendable () -> Int
    private let socket: DatagramSocket?
    /// The addresses at which each rank receives; empty if it has no socket.
    private let addresses: [[DatagramSocket.Address]]
    private let hosts: [String]
    private let report: @Sendable (Report) -> Void
    private let isStopped = Atomic<Bool>(false)

    /// Gathers the addresses of the other ranks; collective. `start` starts the watching.
    ///
    /// - Parameters:
    ///   - board: This rank's activity.
    ///   - report: Called on the watchdog's thread.
    package init(
        _ communicator: any Communicator, board: ActivityBoard,
        report: @escaping @Sendable (Report) -> Void
    ) throws(MPIError) {
        rank = communicator.rank
        self.board = board
        self.report = report
        exchangeCount = { communicator.isExact ? communicator.exchangeCount : 0 }
        socket = communicator.worldSize > 1 ? DatagramSocket() : nil
        hosts = try communicator.hostNames()
        var number = [Int64.random(in: 0...Int64.max)]
        var span = number.mutableSpan
        try communicator.broadcast(&span, from: 0)
        job = UInt64(number[0])
        addresses = try Self.gather(socket, hosts, communicator)
    }

    /// Starts the watchdog's thread if there is another rank.
    package func start() throws(ThreadError) {
        guard socket != nil else { return }
        try startThread(named: "watchdog") { [self] in watch() }
    }

    /// Stops watching, and announces to the other ranks that this rank's heartbeats end.
    package func stop() {
        guard isStopped.exchange(true, ordering: .sequentiallyConsistent) == false else { return }
        for _ in 0..<Self.repetitions { send(.leaving, to: addresses.indices) }
    }

    private static func gather(
        _ socket: DatagramSocket?, _ hosts: [String], _ communicator: any Communicator
    ) throws(MPIError) -> [[DatagramSocket.Address]] {
        let most = 4
        // The port (0 for none), then up to `most` addresses.
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

    /// The body of the watchdog's thread.
    private func watch() {
        let clock = ContinuousClock()
        let start = clock.now
        let seconds = { (clock.now - start).inSeconds }
        var watch = RankWatch(rank: rank, hosts: hosts, now: 0)
        var nextBeat = 0.0
        var toldOfFile: ContinuousClock.Instant?
        while !isStopped.load(ordering: .acquiring) {
            guard board.isWatched else { return stop() }
            if seconds() >= nextBeat {
                nextBeat = seconds() + Self.interval
                let (activity, file) = board.look(
                    exchanges: exchangeCount(), processorTime: Self.processorTime(),
                    polling: \.millisecondsInSystem)
                let own = Heartbeat.alive(activity)
                watch.receive(own, from: rank, now: seconds())
                send(own, to: watch.receivers(now: seconds()))
                if let verdict = watch.look(now: seconds()) { return end(verdict) }
                for line in watch.slowRanks(now: seconds()) { report(.notice(line)) }
                if let line = watch.unheardRanks(now: seconds()) { report(.notice(line)) }
                if let file, file.start != toldOfFile,
                    let line = watch.stalledFile(file.path, seconds: (clock.now - file.start).inSeconds)
                {
                    toldOfFile = file.start
                    report(.notice(line))
                }
            }
            let wait = max(0, min(Self.interval, nextBeat - seconds()))
            guard let bytes = socket?.receive(milliseconds: Int32(wait * 1000) + 1),
                let (sender, heartbeat) = Heartbeat.read(bytes, job: job, worldSize: hosts.count)
            else { continue }
            if heartbeat == .ending { return report(.end(isOwn: false)) }
            watch.receive(heartbeat, from: sender, now: seconds())
        }
    }

    /// CPU seconds that this process has used.
    private static func processorTime() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func end(_ verdict: RankWatch.Verdict) {
        guard !isStopped.load(ordering: .acquiring) else { return }
        switch verdict {
        case .blame(let line), .cutOff(let line): report(.failure(line))
        }
        for _ in 0..<Self.repetitions { send(.ending, to: addresses.indices) }
        report(.end(isOwn: true))
    }
}
