import Checkpoints
import Cluster
import Failures
import Kernels
import Memory
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

/// A bit that is flipped on its way to one rank, and how the run ends.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
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

    /// The parts of a replica.
    enum Part: CaseIterable, Sendable {
        case value, momentum, averageStatistic, statistic, batchCount
    }

    @Test(arguments: Part.allCases)
    func aDifferenceInAnyPartIsFound(part: Part) throws {
        let messages = try ThreadedWorld.run(size: 3) { rank, world -> String in
            let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
            store.initialize(seed: 1)
            let layout = SlotLayout([.momentum, .average], of: store)
            var slots = Buffer<Float>(zeros: layout.count)
            if rank == 2 { Self.change(part, store, &slots, layout) }
            do {
                try ReplicaSentinel(
                    store, slots: slots, layout: layout, on: WorkerPool(threads: 1)
                ).compare(step: 3, ThreadedCommunicator(rank: rank, of: world))
                return "nothing"
            } catch let failure as JobFailure {
                return failure.message
            }
        }
        #expect(Set(messages).count == 1)
        let name =
            switch part {
            case .value, .momentum: "conv1.weight"
            case .statistic, .averageStatistic: "bn1.running_mean"
            case .batchCount: "bn1.num_batches_tracked"
            }
        #expect(
            messages[0].hasPrefix(
                "rank 2 (threads) has other bits in '\(name)' than the others after step 3"),
            "\(messages[0])")
    }

    /// Flips a bit in the first tensor that has the part.
    private static func change(
        _ part: Part, _ store: ParameterStore, _ slots: inout Buffer<Float>, _ layout: SlotLayout
    ) {
        switch part {
        case .value: flip(0, of: &store.values)
        case .momentum: flip(0, of: &slots)
        case .averageStatistic: flip(layout.statistics(ofSlot: 1).lowerBound, of: &slots)
        case .statistic: flip(0, of: &store.statistics)
        case .batchCount: store.batchCount += 1
        }
    }

    private static func flip(_ index: Int, of values: inout Buffer<Float>) {
        var span = values.mutableSpan
        span[index] = -span[index]
    }

    /// Infinite parameters on all ranks, with momentum that has other bits on one of them.
    @Test(arguments: [0, 1]) func numbersThatAreNoneAreToldBeforeReplicasThatDiffer(interval: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.cluster.sentinelEvery = interval
            run.configuration.optimizer.learningRate = 1e300
            run.configuration.training.stopAfterSteps = 1
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2, faulty: 1) }
            #expect(failure.exitCode == ExitCode.numeric)
            #expect(
                failure.message.hasPrefix(
                    "tensor 'conv1.weight' is not finite after update 1, so no checkpoint is written"),
                "\(failure.message)")
            #expect(try run.checkpoint() == nil)
        }
    }

    @Test func replicasAreComparedBeforeACheckpointAtTheLatest() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.cluster.sentinelEvery = 0
            run.configuration.training.stopAfterSteps = 4
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2, faulty: 0) }
            // With two ranks there is no majority.
            #expect(
                failure.message.hasPrefix(
                    "ranks 0 (threads), 1 (threads) have other bits in 'conv1.weight' than each other or the rest after step 4"
                ), "\(failure.message)")
            #expect(try run.checkpoint() == nil)
        }
    }
}
