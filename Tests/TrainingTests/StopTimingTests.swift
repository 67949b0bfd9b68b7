import Checkpoints
import Cluster
import RunConfiguration
import Synchronization
import TestSupport
import Testing
import Training

/// When a stop, a setting or a clock takes effect.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct StopTimingTests {
    private func last(_ result: SmallRun.Result) -> TrainingEvent? { result.events.last }

    /// A request that comes during a step, during validation, or before the first step.
    @Test(arguments: [(2, 3), (4, 5), (5, 5), (0, 0)])
    func aRequestEndsTheStepInWhichItComes(made: Int, stop: Int) throws {
        try SmallRun.with { whole in
            try whole.train(ranks: 1)
            let expected = try #require(try whole.checkpoint())
            try SmallRun.with { run in
                let isAsked = Mutex(false)
                let results = try run.train(
                    ranks: 2,
                    stopRequest: { rank, _ in
                        rank == 1 && (made == 0 || isAsked.withLock { $0 }) ? "SIGHUP" : nil
                    },
                    collective: { rank, step, epochs in
                        // After the last step of an epoch, ranks sum the results of its validation.
                        if rank == 1 && step == made && (made != 5 || epochs == 0) {
                            isAsked.withLock { $0 = true }
                        }
                    })
                #expect(results.map(\.outcome) == [.stopped, .stopped])
                #expect(
                    results.map { last($0) }
                        == Array(repeating: .stopped(step: stop, reason: "SIGHUP"), count: 2))
                #expect(try run.checkpoint()?.position.step == stop)
                try run.train(ranks: 1)
                let found = try #require(try run.checkpoint())
                #expect(found.state == expected.state && found.slots == expected.slots)
            }
        }
    }

    @Test func aStepIsNotEndedBetweenItsAccumulationSteps() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.batchNorm.group = 4
            run.configuration.compute.accumulation = 2
            let isAsked = Mutex(false)
            let results = try run.train(
                ranks: 2, stopRequest: { rank, _ in rank == 0 && isAsked.withLock { $0 } ? "SIGTERM" : nil },
                collective: { _, step, _ in if step == 2 { isAsked.withLock { $0 = true } } })
            #expect(last(results[0]) == .stopped(step: 3, reason: "SIGTERM"))
            let position = try #require(try run.checkpoint()).position
            #expect(position.step == 3 && position.epochSamples == 48)
        }
    }

    @Test func aStopBySettingIsSaidAndIsNoEnd() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = 3
            for _ in 0..<2 {
                let results = try run.train(ranks: 2)
                #expect(results.map(\.outcome) == [.stopped, .stopped])
                #expect(last(results[0]) == .reachedStop(step: 3))
            }
            #expect(try run.checkpoint()?.position.step == 3)
            run.configuration.training.stopAfterSteps = 10
            #expect(try run.train(ranks: 1)[0].outcome == .done)
        }
    }

    @Test func aFinishedRunThatIsStartedAgainSaysSo() throws {
        try SmallRun.with { run in
            let first = try run.train(ranks: 1)
            #expect(last(first[0]) != .alreadyFinished(step: 10, epochs: 2))
            let lines = try run.metrics()
            let again = try run.train(ranks: 2)
            #expect(
                again.map { last($0) } == Array(repeating: .alreadyFinished(step: 10, epochs: 2), count: 2))
            #expect(again.map(\.outcome) == [.done, .done])
            #expect(try run.metrics() == lines)
        }
    }

    /// A minute per step on rank 0; rank 1's clock has no effect.
    @Test func rankZerosClockDecidesOnCheckpointsAndTheyAreExact() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointMinutes = 3
            run.configuration.training.keep = 9
            let start = ContinuousClock.now
            let results = try run.train(
                ranks: 2, now: { rank, step in start + .seconds((rank == 0 ? 60 : 6000) * step) })
            let steps = results[0].events.compactMap {
                if case .checkpoint(let report) = $0 { report.step } else { nil }
            }
            #expect(steps.starts(with: [4, 5]) && steps.last == 10 && !steps.contains(3), "\(steps)")
            let expected = try #require(try run.checkpoint())
            #expect(try run.store.setAside(after: 4).count == steps.count - 1)
            #expect(try run.checkpoint()?.position.stepInEpoch == 4)
            try run.train(ranks: 1)
            let found = try #require(try run.checkpoint())
            #expect(found.state == expected.state && found.slots == expected.slots)
            #expect(found.position == expected.position)
        }
    }

    @Test func withoutMinutesTheClockIsOfNoMatter() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointMinutes = 0
            let start = ContinuousClock.now
            let results = try run.train(ranks: 1, now: { _, step in start + .seconds(1_000_000 * step) })
            let steps = results[0].events.compactMap {
                if case .checkpoint(let report) = $0 { report.step } else { nil }
            }
            #expect(steps == [5, 10])
        }
    }
}
