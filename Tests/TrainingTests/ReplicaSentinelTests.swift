import Cluster
import RunConfiguration
import TestSupport
import Testing
import Training

/// A bit that is flipped on its way to one rank, and what becomes of the run.
@Suite(.serialized)
struct ReplicaSentinelTests {
    @Test(arguments: [1, 3])
    func aRankWithOtherBitsIsNamedWithTheTensorAndNoCheckpointIsWritten(interval: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.cluster.sentinelEvery = interval
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 3, faulty: 1) }
            #expect(failure.exitCode == ExitCode.environment)
            #expect(
                failure.message.hasPrefix(
                    "rank 1 (threads) has other bits in 'conv1.weight' than the others after step \(interval), so no checkpoint is written"
                ), "\(failure.message)")
            #expect(try run.checkpoint() == nil)
        }
    }

    @Test func replicasAreComparedBeforeACheckpointAtTheLatest() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.cluster.sentinelEvery = 0
            run.configuration.training.stopAfterSteps = 4
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2, faulty: 0) }
            // One of two: none of them is the most.
            #expect(
                failure.message.hasPrefix(
                    "ranks 0 (threads), 1 (threads) have other bits in 'conv1.weight' than each other or the rest after step 4"
                ), "\(failure.message)")
            #expect(try run.checkpoint() == nil)
        }
    }
}
