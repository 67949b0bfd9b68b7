import Foundation
import TestSupport
import Testing
import Training

/// What a run reports about where its time went.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct TimelineTests {
    private struct Trace: Decodable {
        struct Event: Decodable {
            var name: String
            var ph: String
            var pid: Int
            var tid: Int
            var ts: Double?
            var dur: Double?
            var args: [String: String]
        }

        var traceEvents: [Event]
    }

    @Test func aTimelineHoldsThePhasesOfAllRanksInOrder() throws {
        try SmallRun.with { run in
            let path = "\(run.folder)/timeline.json"
            try run.train(ranks: 2, timeline: path)
            let events = try JSONDecoder().decode(Trace.self, from: Data(contentsOf: URL(filePath: path)))
                .traceEvents
            for rank in 0..<2 { checkPhases(events.filter { $0.pid == rank }, rank: rank) }
            // The ranks are threads of one process and share its clock.
            let starts = (0..<2).map { firstWait(events, rank: $0) }
            #expect(abs(starts[0] - starts[1]) < 1e6, "\(starts)")
        }
    }

    private func checkPhases(_ events: [Trace.Event], rank: Int) {
        let title = events.first { $0.name == "process_name" }?.args["name"]
        #expect(title == "rank \(rank) on threads")
        let phases = events.filter { $0.ph == "X" }
        for name in ["data", "forward", "backward", "wait", "update"] {
            let steps = Set(phases.filter { $0.name == name }.compactMap { $0.args["step"] })
            // The batch of a step is loaded in the step before it.
            let isWhole = steps.isSuperset(of: (1...8).map(String.init))
            #expect(isWhole, "\(name) on rank \(rank): \(steps)")
        }
        let names = Set(phases.map(\.name))
        #expect(names.isSuperset(of: ["checkpoint", "validation", "sum"]))
        let sumThreads = Set(phases.filter { $0.name == "sum" }.map(\.tid))
        #expect(sumThreads == [1])
        for thread in 0..<2 { checkOrder(phases.filter { $0.tid == thread }) }
    }

    /// Phases of one thread do not overlap.
    private func checkOrder(_ phases: [Trace.Event]) {
        let starts = phases.compactMap(\.ts)
        let ends = phases.compactMap { event in event.ts.flatMap { start in event.dur.map { start + $0 } } }
        #expect(starts.count >= 10 && starts.count == phases.count && ends.count == phases.count)
        for index in 1..<starts.count { #expect(starts[index] >= ends[index - 1] - 0.01) }
    }

    private func firstWait(_ events: [Trace.Event], rank: Int) -> Double {
        events.filter { $0.pid == rank && $0.name == "wait" }.compactMap(\.ts).min() ?? .nan
    }

    @Test func anEpochsSharesAreThoseOfItsSteps() throws {
        struct Line: Decodable {
            var shares: [String: Double]
        }
        try SmallRun.with { run in
            try run.train(ranks: 2)
            let epochs = try run.metrics().filter { $0.contains("\"event\":\"epoch\"") }
            #expect(epochs.count == 2)
            for epoch in epochs {
                let shares = try JSONDecoder().decode(Line.self, from: Data(epoch.utf8)).shares
                let parts = ["data", "forward", "backward", "wait", "update"].map { shares[$0] ?? -1 }
                #expect(parts.allSatisfy { $0 > 0 && $0 < 1 }, "\(shares)")
                #expect(abs(parts.reduce(0, +) - 1) < 1e-3)
            }
        }
    }
}
