import Checkpoints
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// A rank may go through its share of a step in parts: less memory, the same bits.
@Suite(.timeLimit(.minutes(30)))
struct StepPartsTests {
    @Test func runsInPartsEndWithTheSameBits() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.batchNorm.group = 4
            run.configuration.compute.accumulation = 1
            try run.train(ranks: 1)
            let whole = try run.checkpoint()
            let losses = try run.metrics().filter { $0.contains("\"event\":\"step\"") }
            #expect(losses.count == 10)
            for (ranks, parts) in [(1, 2), (1, 4), (2, 2)] {
                run.configuration.name = "run"
                run.configuration.output = "\(run.folder)/\(ranks)-\(parts)"
                run.configuration.compute.accumulation = parts
                #expect(try run.checkpoint() == nil, "a run that is there would be compared with itself")
                let plans = try run.train(ranks: ranks)[0].events.compactMap {
                    if case .started(let plan) = $0 { plan.partCount } else { nil }
                }
                #expect(plans == [parts])
                let checkpoint = try run.checkpoint()
                #expect(checkpoint != nil && firstDifference(checkpoint?.state, whole?.state) == nil)
                #expect(firstDifference(checkpoint?.momentum, whole?.momentum) == nil)
                #expect(checkpoint?.position == whole?.position)
                #expect(try run.metrics().filter { $0.contains("\"event\":\"step\"") } == losses)
            }
        }
    }

    @Test func asManyPartsAsTheMemoryAsksFor() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.lane = 8
        configuration.batchNorm.group = 16
        for (needed, limit) in [(1, 1), (2, 2), (3, 4), (100, 4)] {
            let parts = try StepParts.choose(configuration, worldSize: 1) { $0.limit >= needed }
            #expect(parts.limit == limit)
        }
        configuration.batchNorm.group = 0
        #expect(try StepParts.choose(configuration, worldSize: 1) { _ in false }.limit == 1)
    }

    @Test func moreThanABatchCanHaveAreRefused() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.lane = 8
        configuration.batchNorm.group = 16
        configuration.compute.accumulation = 4
        #expect(try StepParts.choose(configuration, worldSize: 1) { _ in true }.limit == 4)
        #expect(
            throws: ConfigurationError(
                key: "compute.accumulation", found: "4",
                expected: """
                    at most 2 on 2 ranks: each part of a rank's share holds whole lanes and whole batch-norm groups \
                    (batchNorm.group is 16)
                    """)
        ) { try StepParts.choose(configuration, worldSize: 2) { _ in true } }
    }

    /// Five lanes cannot be halved without cutting a group of two.
    @Test func aShortBatchHasFewerParts() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.lane = 8
        configuration.batchNorm.group = 16
        let parts = StepParts(limit: 4, configuration, worldSize: 1)
        #expect(parts.count(imageCount: 64) == 4)
        #expect(parts.count(imageCount: 40) == 1)
        #expect(
            parts.placements(imageCount: 64, rank: 0).map(\.samples) == [0..<16, 16..<32, 32..<48, 48..<64])
    }
}
