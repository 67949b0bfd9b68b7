import Checkpoints
import Cluster
import Datasets
import Failures
import Inference
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

/// What every optimiser promises of a run.
@Suite(.slow, .timeLimit(.minutes(30)))
struct OptimizerRunTests {
    /// How a run is computed.
    private struct World {
        var ranks = 1, threads = 1, accumulation = 1
        /// The updates after which it stops and resumes.
        var stops: [Int] = []
    }

    private static let worlds = [
        World(), World(threads: 2), World(ranks: 2), World(ranks: 4), World(accumulation: 4),
        World(ranks: 2, accumulation: 2, stops: [1, 4, 5, 8]),
    ]

    @Test(arguments: OptimizerRow.all)
    func everyWorldAndEveryResumptionGivesTheSameBits(row: OptimizerRow) throws {
        var first: Checkpoint?
        for world in Self.worlds {
            try SmallRun.with { run in
                var run = run
                try run.set(row)
                run.configuration.batchNorm.group = 4
                run.configuration.compute.threads = world.threads
                run.configuration.compute.accumulation = world.accumulation
                for stop in world.stops + [0] {
                    run.configuration.training.stopAfterSteps = stop
                    try run.train(ranks: world.ranks)
                }
                let found = try #require(try run.checkpoint())
                #expect(found.position.step == 10 && found.slots.map(\.name) == row.slots)
                guard let expected = first else {
                    first = found
                    return
                }
                #expect(firstDifference(found.state, expected.state) == nil, "\(world)")
                #expect(firstDifference(found.slots, expected.slots) == nil, "\(world)")
                #expect(found.position == expected.position)
            }
        }
    }

    /// The average changes nothing in training, and is the best model.
    @Test func theBestModelIsTheAverageOfTheUndisturbedRun() throws {
        var plain: Checkpoint?
        try SmallRun.with { run in
            try run.train(ranks: 1)
            plain = try run.checkpoint()
        }
        try SmallRun.with { run in
            var run = run
            run.configuration.data.validation = ""
            run.configuration.optimizer.ema.decay = 0.5
            try run.train(ranks: 2)
            let newest = try #require(try run.checkpoint())
            #expect(firstDifference(newest.state, plain?.state) == nil)
            let best = try CheckpointStore.load(run.store.bestPath)
            #expect(best.slots.isEmpty && best.position == newest.position)
            let average = newest.tensors(ofSlot: "average")
            let names = Set(average.map(\.name))
            #expect(names.contains("bn1.running_var") && names.contains("conv1.weight"))
            #expect(firstDifference(best.state.filter { names.contains($0.name) }, average) == nil)
            #expect(firstDifference(best.state, newest.state) != nil)
            #expect(best.state.filter { !names.contains($0.name) }.allSatisfy { $0.elements == [10] })
            let evaluated = try newest.makeClassifier(path: "a").parameters
            #expect(
                firstDifference(evaluated.entries.map(evaluated.elements), best.state.map(\.elements)) == nil)
        }
    }

    /// An average that is never due is the initial network.
    @Test(arguments: [1, 2]) func validationIsOfTheAverage(ranks: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.optimizer.ema.decay = 0.5
            run.configuration.optimizer.ema.every = 1000
            let events = try run.train(ranks: ranks)[0].events
            let accuracies = events.compactMap { event in
                if case .epoch(let report) = event { report.validationAccuracy } else { nil }
            }
            let newest = try #require(try run.checkpoint())
            #expect(try accuracies == [run.accuracy(newest.model), run.accuracy(newest.model)])
            let variance = newest.tensors(ofSlot: "average").first { $0.name == "bn1.running_var" }
            #expect(variance?.elements.allSatisfy { $0 == 1 } == true)
            var raw = newest
            raw.slots = []
            #expect(try accuracies[1] != run.accuracy(raw), "the two cannot be told apart")
        }
    }

    /// The updates of all starts of a run count.
    @Test func anAverageThatIsDueAtTheEndIsTheLastWeights() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.optimizer.ema.decay = 0.5
            run.configuration.optimizer.ema.every = 10
            for stop in [4, 0] {
                run.configuration.training.stopAfterSteps = stop
                try run.train(ranks: 1)
            }
            let newest = try #require(try run.checkpoint())
            let names = Set(newest.tensors(ofSlot: "average").map(\.name))
            let weights = newest.state.filter { names.contains($0.name) }
            #expect(firstDifference(newest.tensors(ofSlot: "average"), weights) == nil)
        }
    }

    @Test(arguments: [("sgd", "adamw"), ("adamw", "sgd")])
    func anotherOptimizersStateIsRefused(old: String, new: String) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = 3
            try run.set("optimizer.name=\(old)")
            try run.train(ranks: 1)
            run.configuration.training.stopAfterSteps = 0
            try run.set("optimizer.name=\(new)")
            let other = #expect(throws: JobFailure.self) { try run.train(ranks: 1) }
            #expect(other?.message.contains("optimizer.name is \(new), was \(old)") == true)
            let failure = #expect(throws: JobFailure.self) {
                try run.train(ranks: 1, allowedChanges: ["optimizer"])
            }
            let (found, expected) =
                old == "sgd" ? ("momentum", "mean, square") : ("mean, square", "momentum")
            #expect(
                failure?.message.contains(
                    "contains the optimizer's \(found), the configuration's optimizer keeps \(expected); restore"
                )
                    == true, "\(failure?.message ?? "")")
        }
    }

    @Test func aSlotThatLacksATensorIsNamed() throws {
        try SmallRun.with { run in
            var run = run
            try run.set("optimizer.name=adamw")
            run.configuration.training.stopAfterSteps = 3
            try run.train(ranks: 1)
            var checkpoint = try #require(try run.checkpoint())
            checkpoint.slots[1].tensors.removeLast()
            try run.store.save(checkpoint)
            run.configuration.training.stopAfterSteps = 0
            let failure = #expect(throws: JobFailure.self) { try run.train(ranks: 1) }
            #expect(
                failure?.message.contains("contains no square of 'linear.bias'") == true,
                "\(failure?.message ?? "")")
        }
    }
}

extension SmallRun {
    fileprivate mutating func set(_ row: OptimizerRow) throws {
        for setting in row.settings { try set("optimizer.\(setting)") }
    }

    /// The fraction of the validation set that a model predicts correctly.
    fileprivate func accuracy(_ model: Checkpoint) throws -> Double {
        let set = try PackedDataset(path: configuration.data.validation)
        let pass = ForwardPass(
            classifier: try model.makeClassifier(path: "a"), transform: configuration.evaluationTransform,
            microbatchSize: configuration.training.microbatch, batchSize: 4,
            communicator: LocalCommunicator(), pool: WorkerPool(threads: 1))
        var correct = 0
        try pass.forEachBatch(of: set) { correct += $0.correctCount }
        return Double(correct) / Double(set.count)
    }
}
