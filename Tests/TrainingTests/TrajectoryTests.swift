import Checkpoints
import DatasetPacking
import Datasets
import Foundation
import Kernels
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// A run from beginning to end against PyTorch's own: what the trainer computes, and what it
/// reports.
///
/// PyTorch's losses in float32 and float64 differ by 1e-4 in these runs.
@Suite(.slow, .timeLimit(.minutes(30)))
struct TrajectoryTests {
    private static let tolerance = 1e-3

    @Test(arguments: ["t2fnorm", "linear"], [1, 2])
    func theRunIsPyTorchs(head: String, ranks: Int) throws {
        let expected = try #require(try PyTorchRun.all(named: "resnet20").first { $0.head == head })
        try SmallRun.with { run in
            var run = run
            try run.prepare(expected)
            let results = try run.train(ranks: ranks)
            for result in results { expect(result.events, are: expected) }
            try expectLogged(run.metrics(), expected)
            let best = try CheckpointStore.load(run.store.bestPath)
            #expect(best.position.epoch == expected.bestEpoch)
            #expect(best.position.bestEpoch == expected.bestEpoch)
            #expect(try run.checkpoint()?.position.epoch == expected.epochCount)
        }
    }

    /// The values in `metrics.jsonl` are those of the run, under the keys that people plot.
    private func expectLogged(_ lines: [String], _ expected: PyTorchRun) throws {
        struct Line: Decodable {
            let event: String
            let loss: Double?, accuracy: Double?, learningRate: Double?, validationAccuracy: Double?
        }
        let lines = try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let steps = lines.filter { $0.event == "step" }
        #expect(steps.count == expected.steps.count)
        for (found, right) in zip(steps, expected.steps) {
            #expect(found.loss.map { abs($0 - right.loss) < Self.tolerance } == true)
            #expect(found.accuracy.map { abs($0 - right.accuracy) < 1e-7 } == true)
            #expect(found.learningRate.map { abs($0 / right.learningRate - 1) < 1e-7 } == true)
        }
        let accuracies = lines.filter { $0.event == "epoch" }.map { $0.validationAccuracy ?? -1 }
        #expect(zip(accuracies, expected.epochs).allSatisfy { abs($0 - $1.validationAccuracy) < 1e-7 })
        #expect(accuracies.count == expected.epochCount)
    }

    /// Five updates per epoch, three epochs: linear up to the cosine's value at a third of the run,
    /// then one level per epoch.
    @Test func ratesAreThoseOfTheWarmUpAndOfTheEpochs() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.epochs = 3
            run.configuration.optimizer.learningRate = 0.01
            run.configuration.optimizer.minimumLearningRate = 0.001
            run.configuration.optimizer.scheduleInterval = .epoch
            run.configuration.optimizer.warmUpEpochs = 1
            run.configuration.optimizer.warmUpLearningRate = 0.002
            let rates = try run.train(ranks: 1)[0].events.compactMap { event in
                if case .step(let report) = event { report.learningRate } else { nil }
            }
            let expected =
                [0.002, 0.00315, 0.0043, 0.00545, 0.0066] + [Double](repeating: 0.00775, count: 5)
                + [Double](repeating: 0.00325, count: 5)
            #expect(rates.count == 15)
            for (found, right) in zip(rates, expected) { #expect(abs(found / right - 1) < 1e-12) }
        }
    }

    private func expect(_ events: [TrainingEvent], are expected: PyTorchRun) {
        let steps = events.compactMap { if case .step(let report) = $0 { report } else { nil } }
        let epochs = events.compactMap { if case .epoch(let report) = $0 { report } else { nil } }
        #expect(steps.count == expected.steps.count && epochs.count == expected.epochCount)
        for (found, right) in zip(steps, expected.steps) {
            #expect(abs(found.loss - right.loss) < Self.tolerance, "step \(found.step)")
            #expect(found.accuracy.map { abs($0 - right.accuracy) < 1e-7 } == true, "step \(found.step)")
            #expect(abs(found.learningRate / right.learningRate - 1) < 1e-7, "step \(found.step)")
        }
        for (found, right) in zip(epochs, expected.epochs) {
            #expect(abs(found.loss - right.loss) < Self.tolerance, "epoch \(found.epoch)")
            #expect(found.accuracy.map { abs($0 - right.accuracy) < 1e-7 } == true)
            #expect(found.validationAccuracy.map { abs($0 - right.validationAccuracy) < 1e-7 } == true)
            #expect(found.recordCount == expected.imageCount)
        }
    }
}

/// What a run reports about an epoch that was interrupted.
@Suite(.timeLimit(.minutes(30)))
struct InterruptedEpochTests {
    /// The reports of epochs, without their times.
    private func epochs(_ results: [SmallRun.Result]) -> [EpochReport] {
        results[0].events.compactMap { event in
            guard case .epoch(var report) = event else { return nil }
            (report.seconds, report.imagesPerSecond, report.shares) = (0, 0, [:])
            return report
        }
    }

    @Test func itIsReportedAsIfNothingHadHappened() throws {
        try SmallRun.with { whole in
            let expected = epochs(try whole.train(ranks: 1))
            try SmallRun.with { run in
                var run = run
                run.configuration.training.stopAfterSteps = 7
                let first = epochs(try run.train(ranks: 2))
                run.configuration.training.stopAfterSteps = 0
                let second = epochs(try run.train(ranks: 1))
                #expect(expected.count == 2 && first + second == expected)
            }
        }
    }

    /// With the same images and weights, two epochs differ only in what is drawn for each epoch.
    @Test(arguments: ["mixing.name=none", "mixing.name=mixup", "mixing.name=cutMix", "mixing.name=regMixup"])
    func mixturesAreDrawnAnewInEachEpoch(setting: String) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.data.order = .stored
            run.configuration.data.transform.padding = 0
            run.configuration.data.transform.flip = false
            run.configuration.optimizer.learningRate = 1e-12
            run.configuration.optimizer.minimumLearningRate = 1e-13
            try run.set(setting)
            let steps = try run.train(ranks: 1)[0].events.compactMap { event in
                if case .step(let report) = event { report.loss } else { nil }
            }
            #expect(steps.count == 10)
            for (first, second) in zip(steps.prefix(5), steps.suffix(5)) {
                #expect((abs(first - second) < 1e-6) == (setting == "mixing.name=none"))
            }
        }
    }
}

extension SmallRun {
    /// Replaces the run's images, settings and initial weights by PyTorch's.
    fileprivate mutating func prepare(_ expected: PyTorchRun) throws {
        configuration.data.train = "\(folder)/pytorch-train"
        configuration.data.validation = "\(folder)/pytorch-validation"
        try pack(expected.imageCount, expected.imageStream, expected.labelStream, configuration.data.train)
        try pack(
            expected.validationCount, expected.validationImageStream, expected.validationLabelStream,
            configuration.data.validation)
        configuration.data.order = .stored
        configuration.data.transform.padding = 0
        configuration.data.transform.flip = false
        configuration.network.classes = 10
        configuration.training.batch = expected.batchSize
        configuration.training.epochs = expected.epochCount
        configuration.optimizer.learningRate = expected.learningRate
        configuration.optimizer.minimumLearningRate = expected.minimumLearningRate
        configuration.optimizer.momentum = expected.momentum
        configuration.optimizer.weightDecay = expected.weightDecay
        try start(expected.head)
    }

    private func pack(_ count: Int, _ images: Int, _ labels: Int, _ destination: String) throws {
        let labels = testLabels(count: count, classes: 10, stream: labels)
        let pictures = testPictures(labels: labels, side: 32, stream: images)
        let source = GeneratedRecords(
            origin: "test", classNames: (0..<10).map(String.init), count: count
        ) { (labels[$0], RGBImage(width: 32, height: 32, bytes: pictures[$0])) }
        var packer = Packer(source: source, name: "test", destination: destination)
        _ = try packer.run()
    }

    /// Writes the first checkpoint: PyTorch's weights at step 0.
    private mutating func start(_ head: String) throws {
        let fixture = try PyTorchFixture(named: "resnet20")
        configuration.head.name = head == "linear" ? .linear : .t2fnorm
        configuration.head.temperature = Double(fixture.temperature)
        let kind: HeadKind = head == "linear" ? .linear : .t2fnorm(temperature: fixture.temperature)
        let model = Classifier(.resnet20, head: kind, classes: 10)
        for (index, entry) in model.parameters.entries.enumerated() where entry.role != .batchCount {
            model.parameters.setElements(of: entry, to: fixture.values(ofEntry: index))
        }
        let path = store.path(step: 0)
        try store.save(configuration.startingPoint(model, path: path))
    }
}
