import Checkpoints
import Foundation
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// Runs that train a part of the network, on images of several sizes, or validate now and then.
@Suite(.slow, .timeLimit(.minutes(30)))
struct TrainingStagesTests {
    private static func stage(_ run: inout SmallRun) {
        run.configuration.network.name = "resnet18_224x224"
        run.configuration.data.transform.size = 64
        run.configuration.data.transform.crop = .resized
        run.configuration.training.sizes = [.init(until: 1, size: 32), .init(until: 2, size: 96)]
    }

    @Test func stagesOfSizesGiveTheSameBitsInEveryWorld() throws {
        try SmallRun.expectSameBitsInEveryWorld { Self.stage(&$0) }
    }

    /// Five steps an epoch: stops inside each stage, and where one ends.
    @Test(arguments: [2, 5, 8])
    func aRunGoesOnInsideAStage(stop: Int) throws {
        let whole = try result { Self.stage(&$0) }
        let resumed = try result(stoppedAfter: stop) { Self.stage(&$0) }
        #expect(firstDifference(resumed.state, whole.state) == nil)
        #expect(resumed.steps == whole.steps)
    }

    @Test func theSizesOfStagesMatter() throws {
        let staged = try result { Self.stage(&$0) }
        let other = try result {
            Self.stage(&$0)
            $0.configuration.training.sizes = [.init(until: 1, size: 32), .init(until: 2, size: 64)]
        }
        #expect(staged.steps.prefix(5) == other.steps.prefix(5))
        #expect(staged.steps[5] != other.steps[5])
    }

    @Test(arguments: [NetworkConfiguration.FrozenStatistics.fixed, .batch])
    func frozenPartsStayAndGiveTheSameBitsInEveryWorld(
        statistics: NetworkConfiguration.FrozenStatistics
    ) throws {
        let configure: (inout SmallRun) -> Void = {
            $0.configuration.network.train = ["layer3", "head"]
            $0.configuration.network.frozenStatistics = statistics
        }
        try SmallRun.expectSameBitsInEveryWorld(configure)
        let trained = try result(configure)
        let start = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, seed: 0)
        for tensor in start.tensors {
            let found = try #require(trained.state.first { $0.name == tensor.name }).elements
            let isStatistic = tensor.name.contains("running_")
            let isTrained = tensor.name.hasPrefix("layer3.") || tensor.name.hasPrefix("linear.")
            #expect(
                (found == tensor.elements) == !(isTrained || (isStatistic && statistics == .batch)),
                "\(tensor.name)")
        }
    }

    @Test func aRunWithFrozenPartsGoesOn() throws {
        let configure: (inout SmallRun) -> Void = { $0.configuration.network.train = ["layer3", "head"] }
        let whole = try result(configure)
        let resumed = try result(stoppedAfter: 3, configure)
        #expect(firstDifference(resumed.state, whole.state) == nil)
    }

    @Test func unknownPartsAreNamedWithTheKnownOnes() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.network.train = ["layer4"]
            let error = #expect(throws: (any Error).self) { try run.train(ranks: 1) }
            #expect(
                "\(String(describing: error))".contains(
                    "network.train is layer4, expected one of conv1, bn1, layer1, layer2, layer3, head"),
                "\(String(describing: error))")
        }
    }

    @Test func residualScalesBeginAt0() throws {
        let zero = try result(stoppedAfter: 1, isResumed: false) {
            $0.configuration.network.zeroInit = .residual
            $0.configuration.optimizer.learningRate = 1e-30
            $0.configuration.optimizer.minimumLearningRate = 0
        }
        for tensor in zero.state where tensor.name.hasSuffix(".bn2.weight") {
            #expect(tensor.elements.allSatisfy { abs($0) < 1e-20 }, "\(tensor.name)")
        }
        #expect(
            zero.state.contains { $0.name == "layer1.0.bn1.weight" && $0.elements.allSatisfy { $0 == 1 } })
    }

    /// A run of WideResNet-40-2 with dropout.
    private static func dropOut(_ run: inout SmallRun) {
        run.configuration.network.name = "wideresnet40_2"
        run.configuration.network.dropout = 0.3
    }

    @Test func dropoutGivesTheSameBitsInEveryWorld() throws {
        try SmallRun.expectSameBitsInEveryWorld(Self.dropOut)
    }

    /// The elements that are dropped follow from the run's step, not from the job's.
    @Test func aRunWithDropoutGoesOn() throws {
        let whole = try result(Self.dropOut)
        let resumed = try result(stoppedAfter: 3, Self.dropOut)
        #expect(firstDifference(resumed.state, whole.state) == nil)
        let without = try result { $0.configuration.network.name = "wideresnet40_2" }
        #expect(without.steps != whole.steps)
    }

    /// Steps of the same images and, at a rate of next to 0, the same weights.
    @Test func eachStepDropsOtherElements() throws {
        func losses(_ dropout: Double) throws -> [Substring] {
            let outcome = try result {
                Self.dropOut(&$0)
                $0.configuration.network.dropout = dropout
                $0.configuration.data.order = .stored
                $0.configuration.data.transform.flip = false
                $0.configuration.data.transform.padding = 0
                $0.configuration.training.batch = 70
                $0.configuration.training.microbatch = 10
                $0.configuration.optimizer.learningRate = 1e-30
                $0.configuration.optimizer.minimumLearningRate = 0
            }
            return try outcome.steps.map { try #require($0.firstMatch(of: /"loss":([0-9.e-]+)/)).1 }
        }
        let (with, without) = (try losses(0.3), try losses(0))
        #expect(with.count == 2 && with[0] != with[1], "\(with)")
        #expect(without.count == 2 && without[0] == without[1], "\(without)")
    }

    @Test func dropoutNeedsANetworkThatHasIt() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.network.dropout = 0.1
            let error = #expect(throws: (any Error).self) { try run.train(ranks: 1) }
            #expect(
                "\(String(describing: error))".contains(
                    "network.dropout is 0.1, expected 0, as resnet20 has no dropout layers"),
                "\(String(describing: error))")
        }
    }

    @Test func everySecondEpochAndTheLastAreValidated() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.epochs = 3
            run.configuration.evaluation.every = 2
            let events = try run.train(ranks: 1)[0].events
            let validated = events.compactMap { event -> Bool? in
                if case .epoch(let report) = event { report.validationAccuracy != nil } else { nil }
            }
            #expect(validated == [false, true, true])
            #expect(
                FileManager.default.fileExists(
                    atPath: "\(RunDirectory(run.configuration).checkpointsPath)/best.h5"))
        }
    }

    // MARK: - Results

    private struct Result {
        var state: [Checkpoint.Tensor]
        var steps: [String]
    }

    /// Trains on one rank, in two starts if it is stopped.
    private func result(
        stoppedAfter stop: Int = 0, isResumed: Bool = true, _ configure: (inout SmallRun) -> Void
    ) throws -> Result {
        var result: Result?
        try SmallRun.with { run in
            var run = run
            configure(&run)
            run.configuration.training.stopAfterSteps = stop
            try run.train(ranks: 1)
            if stop > 0 && isResumed {
                run.configuration.training.stopAfterSteps = 0
                try run.train(ranks: 1)
            }
            result = Result(
                state: try #require(try run.checkpoint()).state,
                steps: try run.metrics().filter { $0.contains("\"event\":\"step\"") })
        }
        return try #require(result)
    }
}
