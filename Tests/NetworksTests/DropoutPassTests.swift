import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// Passes of a network with dropout layers.
@Suite(.slow, .timeLimit(.minutes(30)))
struct DropoutPassTests {
    private static let samples = 12
    private static let imageCount = 16 * 16 * 3

    private func model(rate: Double) -> Classifier {
        let model = Classifier(
            .wideResNet40x2, head: .t2fnorm(temperature: 0.1), classes: 10, imageSize: 16, dropoutRate: rate)
        model.parameters.initialize(seed: 3)
        return model
    }

    private func images(_ range: Range<Int>) -> Buffer<Float> {
        let all = testValues(count: Self.samples * Self.imageCount, stream: 1, scale: 1.5)
        return Buffer(
            all[range.lowerBound * Self.imageCount..<range.upperBound * Self.imageCount], default: 0)
    }

    private func step(
        rate: Double = 0.3, step: Int = 1, seed: UInt64 = 2, worldSize: Int = 1, accumulationSteps: Int = 1,
        threads: Int = 1
    ) throws -> (report: [Double], gradients: [Float]) {
        let ranks = try ThreadedWorld.run(size: worldSize) { rank, world in
            let model = model(rate: rate)
            let pool = WorkerPool(threads: threads)
            var report: [Double] = []
            for part in 0..<accumulationSteps {
                let placement = BatchPlacement(
                    sampleCount: Self.samples, microbatchSize: 2, group: 2, rank: rank, worldSize: worldSize,
                    accumulationStep: part, accumulationSteps: accumulationSteps)
                let context = StepContext(
                    placement, mode: .training, pool: pool,
                    numbers: StepContext.Numbers(seed: seed, step: step),
                    sumAcrossRanks: { world.sumAcrossRanks(&$0, rank: rank) })
                let labels = testLabels(count: Self.samples, classes: 10, stream: 2)
                report += try model.differentiate(
                    images: images(placement.samples), labels: Array(labels[placement.samples]), context
                ).values
            }
            return (report: report, gradients: model.parameters.gradients.copyToArray())
        }
        return (ranks.flatMap(\.report), plainTreeSum(ranks.map(\.gradients)))
    }

    @Test(arguments: [(1, 1, 2), (2, 1, 1), (4, 1, 1), (1, 2, 1), (2, 2, 1)])
    func bitsDependNeitherOnRanksNorThreadsNorAccumulation(world: (Int, Int, Int)) throws {
        let whole = try step()
        let split = try step(worldSize: world.0, accumulationSteps: world.1, threads: world.2)
        #expect(firstDifference(split.report, whole.report) == nil)
        #expect(firstDifferentBits(split.gradients, whole.gradients) == nil)
    }

    @Test func stepsSeedsAndRatesDropOthers() throws {
        let first = try step().report
        #expect(try step().report == first)
        #expect(try step(step: 2).report != first)
        #expect(try step(seed: 1).report != first)
        #expect(try step(rate: 0.1).report != first)
    }

    @Test func evaluationDropsNothing() throws {
        let (with, without) = (model(rate: 0.3), model(rate: 0))
        let context = context(samples: Self.samples, microbatchSize: 2, mode: .evaluation)
        let found = try with.forward(images: images(0..<Self.samples), context)
        let expected = try without.forward(images: images(0..<Self.samples), context)
        #expect(firstDifferentBits(found.features + found.logits, expected.features + expected.logits) == nil)
        #expect(with.hasDropout && !without.hasDropout)
    }
}
