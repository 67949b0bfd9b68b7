internal import Cluster
internal import Foundation

/// The phases of all ranks on one clock, as a Chrome trace, for Perfetto (ui.perfetto.dev) or
/// chrome://tracing.
///
/// Each rank is a process of the trace, with a thread that trains and one that all-reduces
/// gradients.
struct Timeline {
    private struct Event: Encodable {
        var name: String
        var ph: String
        var pid: Int
        var tid: Int
        /// Microseconds.
        var ts: Double?
        var dur: Double?
        var args: [String: String]
    }

    /// Rounds whose median gives the offset between two ranks' clocks.
    private static let rounds = 33
    private let clock: StepProfiler
    /// Nanoseconds to add to this rank's times to convert them to rank 0's; exact to about the time
    /// of a small message.
    private let offset: Int64

    /// Compares the ranks' clocks; collective.
    init(_ clock: StepProfiler, _ communicator: any Communicator) throws {
        self.clock = clock
        var differences: [Int64] = []
        for _ in 0..<Self.rounds {
            try communicator.barrier()
            let own = clock.now
            let first = try communicator.allGather(
                [own].span, counts: Array(repeating: 1, count: communicator.worldSize))
            differences.append(first[0] - own)
        }
        offset = differences.sorted()[Self.rounds / 2]
    }

    /// The phases of all ranks as JSON, on rank 0; collective.
    func trace(_ communicator: any Communicator) throws -> String? {
        let phases = Phase.allCases
        let own = clock.spans.flatMap { span in
            [
                Int64(phases.firstIndex(of: span.phase)!), Int64(span.step), span.start + offset,
                span.end + offset,
            ]
        }
        let counts = try communicator.allGather(
            [Int64(own.count)].span, counts: Array(repeating: 1, count: communicator.worldSize))
        let all = try communicator.allGather(own.span, counts: counts.map { Int($0) })
        let hosts = try communicator.hostNames()
        guard communicator.rank == 0 else { return nil }
        var events: [Event] = []
        var next = 0
        for (rank, count) in counts.enumerated() {
            events += names(rank: rank, host: hosts[rank])
            for place in stride(from: next, to: next + Int(count), by: 4) {
                let phase = phases[Int(all[place])]
                events.append(
                    Event(
                        name: phase.rawValue, ph: "X", pid: rank, tid: phase == .sum ? 1 : 0,
                        ts: Double(all[place + 2]) / 1000,
                        dur: Double(all[place + 3] - all[place + 2]) / 1000,
                        args: ["step": "\(all[place + 1])"]))
            }
            next += Int(count)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(["traceEvents": events]), as: UTF8.self)
    }

    private func names(rank: Int, host: String) -> [Event] {
        [
            Event(
                name: "process_name", ph: "M", pid: rank, tid: 0, args: ["name": "rank \(rank) on \(host)"]),
            Event(name: "thread_name", ph: "M", pid: rank, tid: 0, args: ["name": "training"]),
            Event(name: "thread_name", ph: "M", pid: rank, tid: 1, args: ["name": "sums"]),
        ]
    }
}
