import Checkpoints
import Kernels
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

/// Runs with `compute.precision: mixed`.
@Suite(.slow, .timeLimit(.minutes(30)))
struct MixedPrecisionTests {
    private static func mix(_ run: inout SmallRun) { run.configuration.compute.precision = .mixed }

    @Test func bitsDependOnNeitherRanksNorThreads() throws {
        try SmallRun.expectSameBitsInEveryWorld(Self.mix)
    }

    @Test func aRunGoesOnInMixedPrecision() throws {
        let whole = try result(Self.mix)
        let resumed = try result(stoppedAfter: 3, Self.mix)
        #expect(firstDifference(resumed.state, whole.state) == nil)
        #expect(resumed.steps == whole.steps)
        #expect(resumed.convolutions == .mixed)
    }

    /// Losses of the first steps agree with single precision to some rounding errors, not to the bit.
    @Test func lossesAreNearlyThoseOfSinglePrecision() throws {
        let (single, mixed) = (try result { _ in }, try result(Self.mix))
        #expect(single.convolutions == .shape && single.steps.count == mixed.steps.count)
        #expect(single.losses[0] != mixed.losses[0])
        for (a, b) in zip(single.losses, mixed.losses).prefix(3) {
            #expect(abs(a - b) < 2e-2 * a, "\(single.losses) and \(mixed.losses)")
        }
    }

    @Test func evaluationIsInSinglePrecisionUnlessAsked() throws {
        func outputs(
            _ training: AlgorithmSelection, _ evaluation: AlgorithmSelection? = nil
        ) throws -> [Float] {
            let model = Classifier(
                .resnet20, head: .linear, classes: 10, convolutions: training,
                evaluationConvolutions: evaluation)
            model.parameters.initialize(seed: 1)
            let images = testValues(count: 2 * 32 * 32 * 3, stream: 1)
            return try model.outputs(of: images).logits
        }
        let single = try outputs(.shape)
        #expect(firstDifferentBits(try outputs(.mixed), single) == nil)
        let mixed = try outputs(.shape, .mixed)
        #expect(firstDifferentBits(mixed, single) != nil)
        #expect(relativeError(mixed, single.doubles) < 2e-3)
    }

    @Test func mapsTakeHalfTheMemory() {
        func tensorBytes(_ convolutions: AlgorithmSelection) -> Int {
            let model = Classifier(.resnet20, head: .linear, classes: 10, convolutions: convolutions)
            let placement = BatchPlacement(sampleCount: 256, microbatchSize: 32)
            return model.memoryUse(StepContext(placement, mode: .training, pool: WorkerPool(threads: 1)))
                .tensors
        }
        let share = Double(tensorBytes(.mixed)) / Double(tensorBytes(.shape))
        #expect(share > 0.45 && share < 0.6, "\(share)")
    }

    @Test func anAlgorithmOfSinglePrecisionIsRefused() throws {
        var configuration = RunConfiguration()
        configuration.data.train = "train"
        configuration.compute.precision = .mixed
        configuration.compute.convolution = .tiled
        let error = #expect(throws: ConfigurationError.self) { try configuration.validate() }
        #expect(
            "\(String(describing: error))".contains(
                "compute.convolution is tiled, expected shape, as compute.precision is mixed"),
            "\(String(describing: error))")
    }

    @Test func precisionDoesNotChangeUnnoticed() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = 3
            try run.train(ranks: 1)
            run.configuration.compute.precision = .mixed
            let error = #expect(throws: (any Error).self) { try run.train(ranks: 1) }
            #expect(
                "\(String(describing: error))".contains("compute.precision"),
                "\(String(describing: error))")
        }
    }

    private struct Outcome {
        let state: [Checkpoint.Tensor]
        let convolutions: AlgorithmSelection
        let steps: [String]

        var losses: [Double] {
            steps.compactMap { $0.firstMatch(of: /"loss":([0-9.e-]+)/).flatMap { Double($0.1) } }
        }
    }

    /// Trains on one rank, in two starts if it is stopped.
    private func result(
        stoppedAfter stop: Int = 0, _ configure: (inout SmallRun) -> Void
    ) throws -> Outcome {
        var outcome: Outcome?
        try SmallRun.with { run in
            var run = run
            configure(&run)
            run.configuration.training.stopAfterSteps = stop
            try run.train(ranks: 1)
            if stop > 0 {
                run.configuration.training.stopAfterSteps = 0
                try run.train(ranks: 1)
            }
            let checkpoint = try #require(try run.checkpoint())
            outcome = Outcome(
                state: checkpoint.state, convolutions: checkpoint.convolutions,
                steps: try run.metrics().filter { $0.contains("\"event\":\"step\"") })
        }
        return try #require(outcome)
    }
}
