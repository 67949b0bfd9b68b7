import Checkpoints
import Foundation
import RunConfiguration
import TestSupport
import Testing
import Training

/// A run that an earlier version began, with that version's names of settings in its checkpoint.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct EarlierCheckpointTests {
    private func earlier(_ yaml: String) -> String {
        yaml.replacing("  schedule: cosine\n  scheduleInterval: epoch\n", with: "  schedule: epoch\n")
            .replacing("  microbatch: 4\n", with: "  lane: 4\n")
    }

    @Test func aRunGoesOnToTheSameBitsWithOneNotice() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.optimizer.scheduleInterval = .epoch
            var unbroken = run
            unbroken.configuration.name = "unbroken"
            try unbroken.train(ranks: 1)

            run.configuration.training.stopAfterSteps = 3
            try run.train(ranks: 1)
            var checkpoint = try #require(try run.checkpoint())
            checkpoint.configuration = earlier(checkpoint.configuration)
            #expect(
                checkpoint.configuration.contains("  lane: 4\n")
                    && !checkpoint.configuration.contains("microbatch"))
            try run.store.save(checkpoint)

            run.configuration.training.stopAfterSteps = 0
            let results = try run.train(ranks: 1)
            let notices = results[0].events.compactMap { event -> String? in
                guard case .notice(let text) = event, text.contains("earlier names") else { return nil }
                return text
            }
            #expect(notices.count == 1)
            #expect(
                notices.first?.hasSuffix(
                    """
                    uses earlier names: optimizer.schedule: epoch is optimizer.scheduleInterval: epoch now, \
                    training.lane is training.microbatch now
                    """) == true, "\(notices)")
            let (own, expected) = (
                try #require(try run.checkpoint()), try #require(try unbroken.checkpoint())
            )
            #expect(firstDifference(own.state, expected.state) == nil)
            #expect(firstDifference(own.slots, expected.slots) == nil)
            #expect(own.configuration.contains("  microbatch: 4\n"))
        }
    }
}
