import Checkpoints
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// Gradient accumulation: less memory, the same bits.
@Suite(.slow, .timeLimit(.minutes(30)))
struct GradientAccumulationTests {
    @Test func runsWithGradientAccumulationEndWithTheSameBits() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.batchNorm.group = 4
            run.configuration.compute.accumulation = 1
            try run.train(ranks: 1)
            let whole = try run.checkpoint()
            let losses = try run.metrics().filter { $0.contains("\"event\":\"step\"") }
            #expect(losses.count == 10)
            for (ranks, accumulation) in [(1, 2), (1, 4), (2, 2)] {
                run.configuration.name = "run"
                run.configuration.output = "\(run.folder)/\(ranks)-\(accumulation)"
                run.configuration.compute.accumulation = accumulation
                #expect(try run.checkpoint() == nil, "a run that is there would be compared with itself")
                let plans = try run.train(ranks: ranks)[0].events.compactMap {
                    if case .started(let plan) = $0 { plan.accumulationSteps } else { nil }
                }
                #expect(plans == [accumulation])
                let checkpoint = try run.checkpoint()
                #expect(checkpoint != nil && firstDifference(checkpoint?.state, whole?.state) == nil)
                #expect(firstDifference(checkpoint?.slots, whole?.slots) == nil)
                #expect(checkpoint?.position == whole?.position)
                #expect(try run.metrics().filter { $0.contains("\"event\":\"step\"") } == losses)
            }
        }
    }

    @Test func asManyAccumulationStepsAsTheMemoryAsksFor() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.microbatch = 8
        configuration.batchNorm.group = 16
        for (needed, limit) in [(1, 1), (2, 2), (3, 4), (100, 4)] {
            let accumulation = try GradientAccumulation.choose(configuration, worldSize: 1) {
                $0.limit >= needed
            }
            #expect(accumulation.limit == limit)
        }
        configuration.batchNorm.group = 0
        #expect(try GradientAccumulation.choose(configuration, worldSize: 1) { _ in false }.limit == 1)
    }

    @Test func moreThanABatchCanHaveAreRefused() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.microbatch = 8
        configuration.batchNorm.group = 16
        configuration.compute.accumulation = 4
        #expect(try GradientAccumulation.choose(configuration, worldSize: 1) { _ in true }.limit == 4)
        #expect(
            throws: ConfigurationError(
                key: "compute.accumulation", found: "4",
                expected: """
                    at most 2 on 2 ranks: each accumulation step of a rank holds whole microbatches and whole batch-norm groups \
                    (batchNorm.group is 16)
                    """)
        ) { try GradientAccumulation.choose(configuration, worldSize: 2) { _ in true } }
    }

    /// Five microbatches cannot be halved without splitting a group of two.
    @Test func aShortBatchHasFewerAccumulationSteps() throws {
        var configuration = RunConfiguration()
        configuration.training.batch = 64
        configuration.training.microbatch = 8
        configuration.batchNorm.group = 16
        let accumulation = GradientAccumulation(limit: 4, configuration, worldSize: 1)
        #expect(accumulation.count(imageCount: 64) == 4)
        #expect(accumulation.count(imageCount: 40) == 1)
        #expect(
            accumulation.placements(imageCount: 64, rank: 0).map(\.samples) == [
                0..<16, 16..<32, 32..<48, 48..<64,
            ])
    }
}
