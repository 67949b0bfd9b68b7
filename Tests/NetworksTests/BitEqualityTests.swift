import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// The configuration defines the result; threads and ranks do not.
@Suite(.slow, .timeLimit(.minutes(30)))
struct BitEqualityTests {
    /// Six microbatches, the last one short; with groups of 8, three batch-norm groups, the last
    /// one short.
    private static let samples = 22
    private static let microbatchSize = 4

    @Test(arguments: [2, 3], [0, 8])
    func threadCountsGiveTheSameBits(threads: Int, group: Int) throws {
        let one = try Self.step(group: group, worldSize: 1, threads: 1)
        let several = try Self.step(group: group, worldSize: 1, threads: threads)
        #expect(several.difference(from: one) == nil)
    }

    @Test(arguments: [2, 4, 8], [0, 8])
    func worldsOfAPowerOfTwoGiveTheSameBits(worldSize: Int, group: Int) throws {
        let one = try Self.step(group: group, worldSize: 1, threads: 2)
        let several = try Self.step(group: group, worldSize: worldSize, threads: 1)
        #expect(several.difference(from: one) == nil)
    }

    @Test(arguments: [2, 4, 8], [1, 2])
    func accumulationStepsGiveTheSameBits(accumulationSteps: Int, worldSize: Int) throws {
        let whole = try Self.step(group: 4, worldSize: 1, threads: 1)
        let parts = try Self.step(
            group: 4, worldSize: worldSize, threads: 2, accumulationSteps: accumulationSteps)
        #expect(parts.difference(from: whole) == nil)
    }

    @Test func aWorldOfThreeAgreesToRounding() throws {
        let one = try Self.step(group: 0, worldSize: 1, threads: 1)
        let three = try Self.step(group: 0, worldSize: 3, threads: 1)
        #expect(relativeError(three.gradients, one.gradients.doubles) < 1e-5)
        #expect(relativeError(three.statistics, one.statistics.doubles) < 1e-6)
        #expect(one.report == three.report)
    }

    /// Each algorithm always gives the same bits, and all agree to rounding.
    @Test(arguments: [
        AlgorithmSelection.fixed(algorithm: .winograd), .fixed(algorithm: .tiled),
        .fixed(algorithm: .library), mixed,
    ])
    func everyAlgorithmSelectionGivesItsBitsOnRanksAndThreads(selection: AlgorithmSelection) throws {
        let one = try Self.step(group: 0, worldSize: 1, threads: 1, selection)
        #expect(try Self.step(group: 0, worldSize: 1, threads: 2, selection).difference(from: one) == nil)
        #expect(try Self.step(group: 0, worldSize: 2, threads: 1, selection).difference(from: one) == nil)

        let rule = try Self.step(group: 0, worldSize: 1, threads: 1)
        #expect(relativeError(one.report, rule.report) < 1e-5)
        #expect((one.gradients.bits == rule.gradients.bits) == (selection == .fixed(algorithm: .winograd)))
    }

    /// As if measured: the network's shapes take the algorithms in turn.
    private static let mixed = AlgorithmSelection.autotuned(
        algorithms: Set(NetworkName.resnet20.convolutionShapes).sorted {
            ($0.height, $0.channels, $0.stride) < ($1.height, $1.channels, $1.stride)
        }.enumerated().map { index, shape in
            let algorithms = Convolution.algorithms(for: shape)
            return .init(shape: shape, algorithm: algorithms[(index + 1) % algorithms.count])
        })

    @Test func theHeadAndTheNetworkSeeGroups() throws {
        let batch = try Self.step(group: 0, worldSize: 1, threads: 1)
        let groups = try Self.step(group: 8, worldSize: 1, threads: 1)
        #expect(batch.gradients.bits != groups.gradients.bits)
        #expect(batch.statistics.bits != groups.statistics.bits)
    }

    /// Buffers are reused from step to step, so values of an earlier, longer batch must not be
    /// read.
    @Test func aShortBatchAfterALongOneIsAsIfItWereTheFirst() throws {
        let fresh = Self.model()
        let used = Self.model()
        _ = try used.differentiate(
            images: Self.images(0..<22), labels: Self.labels(0..<22),
            context(samples: 22, microbatchSize: 4, mode: .training))
        for entry in fresh.parameters.entries where entry.role == .statistic {
            used.parameters.setElements(of: entry, to: fresh.parameters.elements(of: entry))
        }
        let short = context(samples: 6, microbatchSize: 4, mode: .training)
        let expected = try fresh.differentiate(
            images: Self.images(0..<6), labels: Self.labels(0..<6), short)
        let found = try used.differentiate(
            images: Self.images(0..<6), labels: Self.labels(0..<6), short)
        #expect(found == expected)
        #expect(
            firstDifferentBits(
                used.parameters.gradients.copyToArray(), fresh.parameters.gradients.copyToArray()) == nil)
        #expect(
            firstDifferentBits(
                used.parameters.statistics.copyToArray(), fresh.parameters.statistics.copyToArray()) == nil)
    }

    @Test func evaluationOfAnImageDoesNotDependOnItsBatch() throws {
        let model = Self.model()
        let (_, all) = try model.forward(
            images: Self.images(0..<5), context(samples: 5, microbatchSize: 4, mode: .evaluation))
        for i in 0..<5 {
            let (_, one) = try model.forward(
                images: Self.images(i..<i + 1), context(samples: 1, microbatchSize: 4, mode: .evaluation))
            #expect(relativeError(one, all[i * 10..<(i + 1) * 10].doubles) < 1e-5)
        }
    }

    /// The results of one training pass, summed over ranks.
    private struct Outcome: Sendable {
        var report: [Double]
        var gradients: [Float]
        var statistics: [Float]

        /// The first difference of bits.
        func difference(from other: Outcome) -> String? {
            if let loss = firstDifference(report, other.report) { return "report: \(loss)" }
            return firstDifferentBits(gradients + statistics, other.gradients + other.statistics)
        }
    }

    private static func step(
        group: Int, worldSize: Int, threads: Int, _ selection: AlgorithmSelection = .shape,
        accumulationSteps: Int = 1
    ) throws -> Outcome {
        let ranks = try ThreadedWorld.run(size: worldSize) { rank, world in
            let model = model(selection)
            let pool = WorkerPool(threads: threads)
            var report: [Double] = []
            for part in 0..<accumulationSteps {
                let placement = BatchPlacement(
                    sampleCount: samples, microbatchSize: microbatchSize, group: group, rank: rank,
                    worldSize: worldSize,
                    accumulationStep: part, accumulationSteps: accumulationSteps)
                let training = StepContext(
                    placement, mode: .training, pool: pool,
                    sumAcrossRanks: { world.sumAcrossRanks(&$0, rank: rank) })
                report += try model.differentiate(
                    images: images(placement.samples), labels: labels(placement.samples), training
                ).values
            }
            #expect(model.parameters.batchCount == 1)
            return Outcome(
                report: report, gradients: model.parameters.gradients.copyToArray(),
                statistics: model.parameters.statistics.copyToArray())
        }
        for rank in ranks { #expect(firstDifferentBits(rank.statistics, ranks[0].statistics) == nil) }
        return Outcome(
            report: ranks.flatMap(\.report), gradients: plainTreeSum(ranks.map(\.gradients)),
            statistics: ranks[0].statistics)
    }

    private static func model(_ selection: AlgorithmSelection = .shape) -> Classifier {
        let model = Classifier(
            .resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, convolutions: selection)
        model.parameters.initialize(seed: 3)
        return model
    }

    private static func images(_ range: Range<Int>) -> Buffer<Float> {
        let all = testValues(count: samples * 3072, stream: 1, scale: 1.5)
        return Buffer(all[range.lowerBound * 3072..<range.upperBound * 3072], default: 0)
    }

    private static func labels(_ range: Range<Int>) -> [Int32] {
        Array(testLabels(count: samples, classes: 10, stream: 2)[range])
    }
}
