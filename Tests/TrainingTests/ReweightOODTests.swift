import Checkpoints
import RunConfiguration
import TestSupport
import Testing
import Training

/// ReweightOOD on a small run: two views of each image, a projection head, the loss of all pairs.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct ReweightOODTests {
    private func with(_ body: (inout SmallRun) throws -> Void) throws {
        try SmallRun.with { run in
            var run = run
            Self.configure(&run)
            try body(&run)
        }
    }

    private static func configure(_ run: inout SmallRun) {
        run.configuration.head.name = .projection
        run.configuration.head.outputs = 16
        run.configuration.loss.name = .reweightOOD
        run.configuration.evaluation.scores = ["mds"]
        run.configuration.data.transform.crop = .resized
        run.configuration.data.transform.smallestArea = 0.2
        run.configuration.data.transform.color.brightness = 0.4
        run.configuration.data.transform.color.hue = 0.1
        run.configuration.data.transform.color.gray = 0.2
        run.configuration.optimizer.scheduleInterval = .epoch
        run.configuration.optimizer.warmUpEpochs = 1
    }

    @Test func everyWorldGivesTheSameBits() throws {
        try SmallRun.expectSameBitsInEveryWorld { Self.configure(&$0) }
    }

    @Test func aRunThatStopsInAnEpochGoesOnWithTheSameBitsInAnotherWorld() throws {
        var tensors: [[Checkpoint.Tensor]] = []
        for stop in [0, 3] {
            try with { run in
                run.configuration.training.stopAfterSteps = stop
                try run.train(ranks: 1)
                if stop > 0 {
                    run.configuration.training.stopAfterSteps = 0
                    try run.train(ranks: 2)
                }
                let checkpoint = try #require(try run.checkpoint())
                #expect(checkpoint.position.step == 10 && checkpoint.projection == 16)
                tensors.append(checkpoint.state + checkpoint.slots.flatMap(\.tensors))
            }
        }
        #expect(tensors[0] == tensors[1])
    }

    @Test func theLossFallsAndThereIsNoAccuracy() throws {
        try with { run in
            run.configuration.training.epochs = 12
            run.configuration.training.batch = 64
            run.configuration.training.microbatch = 16
            run.configuration.data.transform.crop = .padded
            // On 70 images, a larger rate makes all outputs equal, where the loss has almost no
            // gradient.
            run.configuration.optimizer.learningRate = 0.005
            run.configuration.optimizer.warmUpEpochs = 4
            let events = try run.train(ranks: 1)[0].events
            let epochs = events.compactMap { if case .epoch(let report) = $0 { report } else { nil } }
            #expect(epochs.count == 12)
            #expect(epochs.allSatisfy { $0.accuracy == nil && $0.validationAccuracy == nil })
            let (first, last) = (epochs[0].loss, epochs.suffix(3).reduce(0) { $0 + $1.loss } / 3)
            #expect(last < first - 0.6, "\(first) to \(last)")
            let lines = try run.metrics()
            #expect(lines.contains { $0.contains("\"event\":\"epoch\"") })
            #expect(!lines.contains { $0.lowercased().contains("accuracy") })
            // Evaluation uses the latest epoch's model.
            let best = try CheckpointStore.load(run.store.bestPath)
            let newest = try #require(try run.checkpoint())
            #expect(firstDifference(best.state, newest.state) == nil)
            #expect(best.position.bestAccuracy == -1)
            let plan = try #require(
                events.lazy.compactMap { if case .started(let plan) = $0 { plan } else { nil } }.first)
            #expect(!plan.hasClassifier && plan.accumulationSteps == 1)
        }
    }

    @Test func anotherHeadsCheckpointIsRefused() throws {
        try with { run in
            run.configuration.training.stopAfterSteps = 1
            try run.train(ranks: 1)
            let checkpoint = try #require(try run.checkpoint())
            var other = run.configuration
            other.head.outputs = 32
            let error = #expect(throws: CheckpointError.self) {
                try checkpoint.check(fits: other, path: "a.h5")
            }
            #expect(
                error?.reason.contains(
                    "with a projection head of 16 outputs, the configuration says a resnet20 for 10 classes with a projection head of 32"
                ) ?? false)
            other.head.name = .linear
            #expect(throws: CheckpointError.self) { try checkpoint.check(fits: other, path: "a.h5") }
        }
    }
}
