import Checkpoints
import TestSupport
import Testing
import Training

/// A rank that is asked to stop, as by a scheduler's signal.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct StopRequestTests {
    @Test func allRanksStopAfterTheSameStepAndTheRunGoesOnWithTheSameBits() throws {
        try SmallRun.with { run in
            try run.train(ranks: 1)
            let expected = try #require(try run.checkpoint())
            try SmallRun.with { stopped in
                for (ranks, steps) in [(2, 3), (3, 3)] {
                    let results = try stopped.train(ranks: ranks) { rank, step in
                        rank == 1 && step >= steps - 1 ? "SIGUSR1" : nil
                    }
                    for result in results {
                        #expect(result.outcome == .stopped)
                        let last = try #require(result.events.last)
                        guard case .stopped(_, let reason) = last else {
                            Issue.record("the last event is \(last)")
                            continue
                        }
                        #expect(reason == "SIGUSR1")
                    }
                }
                let position = try #require(try stopped.checkpoint()).position
                // An epoch ends two steps after the third, where ranks look for requests once more.
                #expect(position.step == 5)
                let rest = try stopped.train(ranks: 2)
                #expect(rest.map(\.outcome) == [.done, .done])
                let found = try #require(try stopped.checkpoint())
                #expect(firstDifference(found.state, expected.state) == nil)
                #expect(firstDifference(found.slots, expected.slots) == nil)
                #expect(found.position.step == 10)
            }
        }
    }

    @Test func aRequestInTheLastStepChangesNothing() throws {
        try SmallRun.with { run in
            let results = try run.train(ranks: 2) { _, step in step == 9 ? "SIGTERM" : nil }
            #expect(results.map(\.outcome) == [.done, .done])
            #expect(try run.checkpoint()?.position.step == 10)
        }
    }
}
