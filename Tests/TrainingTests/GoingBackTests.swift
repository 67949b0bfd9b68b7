import Checkpoints
import Foundation
import RunConfiguration
import TestSupport
import Testing
import Training

/// Runs that resume from an earlier step: no file of the abandoned steps is taken for their own.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct GoingBackTests {
    private func notices(_ result: SmallRun.Result) -> [String] {
        result.events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// A finished run of two epochs, with a checkpoint after each step.
    private func withFinished(_ body: (inout SmallRun) throws -> Void) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.keep = 9
            run.configuration.training.checkpointEvery = 1
            try run.train(ranks: 1)
            try body(&run)
        }
    }

    private func latest(_ run: SmallRun) throws -> String {
        try String(contentsOfFile: "\(run.store.folder)/latest", encoding: .utf8)
    }

    @Test func aRunThatStartsAnewHasNoBestModelOfItsOldPast() throws {
        try withFinished { run in
            let old = try Data(contentsOf: URL(filePath: run.store.bestPath))
            let lines = try run.metrics()
            run.configuration.training.stopAfterSteps = 3
            let results = try run.train(ranks: 2, resume: .never)
            #expect(!exists(run.store.bestPath))
            #expect(try Data(contentsOf: URL(filePath: "\(run.store.bestPath).abandoned")) == old)
            #expect(
                notices(results[0]).contains {
                    $0.contains("best model") && $0.hasSuffix("best.h5.abandoned")
                })
            #expect(try latest(run) == "step-00000003.h5\n")
            #expect(try run.metrics().count { $0.contains("\"event\":\"step\"") } == 3)
            let log = try String(
                contentsOfFile: "\(run.folder)/runs/run/s0/metrics.jsonl.abandoned", encoding: .utf8)
            #expect(log.split(separator: "\n").map(String.init) == lines)
            run.configuration.training.stopAfterSteps = 0
            try run.train(ranks: 1)
            #expect(try CheckpointStore.load(run.store.bestPath).position.step >= 5)
        }
    }

    /// The first epoch's model is that of the checkpoint at its end, which still exists.
    @Test func theBestModelUpToWhereARunGoesOnIsMadeAgain() throws {
        try withFinished { run in
            let first = try CheckpointStore.load(run.store.path(step: 5))
            // As if the second epoch were the better one.
            var later = try CheckpointStore.load(run.store.path(step: 10))
            later.position.bestEpoch = 2
            later.position.bestAccuracy = 0.99
            try run.store.saveBest(later)
            run.configuration.optimizer.learningRate = 0.02
            run.configuration.training.stopAfterSteps = 7
            try run.train(
                ranks: 2, resume: .from(run.store.path(step: 6)), allowedChanges: ["optimizer.learningRate"])
            let best = try CheckpointStore.load(run.store.bestPath)
            #expect(best.position.epoch == 1 && best.state == first.state && best.slots.isEmpty)
            #expect(try CheckpointStore.load("\(run.store.bestPath).abandoned").position.bestAccuracy == 0.99)
            #expect(try run.checkpoint()?.position.bestEpoch == 1)
        }
    }

    @Test func aBestModelThatIsNowhereIsToldAndChosenAgain() throws {
        try withFinished { run in
            for step in 2...5 { try FileManager.default.removeItem(atPath: run.store.path(step: step)) }
            try FileManager.default.removeItem(atPath: run.store.bestPath)
            let results = try run.train(ranks: 2, resume: .from(run.store.path(step: 7)))
            #expect(notices(results[0]).contains { $0.contains("the best is chosen from the next epoch on") })
            #expect(try CheckpointStore.load(run.store.bestPath).position.step == 10)
            #expect(try run.checkpoint()?.position.bestEpoch == 2)
        }
    }

    @Test func theBestModelComesAlongFromAnotherRunsFolder() throws {
        try withFinished { run in
            let folder = "\(run.folder)/elsewhere"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let start = run.store.path(step: 8)
            let first = try CheckpointStore.load(run.store.path(step: 5))
            try FileManager.default.copyItem(atPath: start, toPath: "\(folder)/step-00000008.h5")
            try CheckpointStore.save(model: first, to: "\(folder)/best.h5")
            run.configuration.name = "run"
            run.configuration.output = "\(run.folder)/others"
            run.configuration.training.stopAfterSteps = 9
            try run.train(ranks: 1, resume: .from("\(folder)/step-00000008.h5"))
            let best = try CheckpointStore.load("\(run.folder)/others/run/s0/checkpoints/best.h5")
            #expect(best.state == first.state)
        }
    }

    /// As after a crash between writing the best model and the state: the run computes the same
    /// model again.
    @Test func aRunThatGoesOnKeepsALaterBestModelOfItsOwn() throws {
        try withFinished { run in
            #expect(try run.store.setAside(after: 8).count == 2)
            let later = try CheckpointStore.load(run.store.bestPath)
            let results = try run.train(ranks: 1)
            #expect(!notices(results[0]).contains { $0.contains("best") })
            #expect(!exists("\(run.store.bestPath).abandoned"))
            #expect(try CheckpointStore.load(run.store.bestPath).state == later.state)
        }
    }

    /// A job that a script starts again obeys `--resume` until it has a checkpoint of its own.
    @Test func onlyTheFirstStartOfAJobBeginsAnew() throws {
        try withFinished { run in
            run.configuration.training.stopAfterSteps = 2
            try run.train(ranks: 1, resume: .never, job: RestartedJob(identifier: "j"))
            #expect(try run.checkpoint()?.position.step == 2)
            let later = RestartedJob(identifier: "j", firstResume: .never)
            for step in [4, 7] {
                run.configuration.training.stopAfterSteps = step
                let results = try run.train(ranks: 2, job: later)
                #expect(
                    results[0].events.contains {
                        if case .started(let plan) = $0 { plan.firstStep > 0 } else { false }
                    })
                #expect(try run.checkpoint()?.position.step == step)
            }
            // The first start of another job ended before it had a checkpoint.
            run.configuration.training.stopAfterSteps = 1
            try run.train(ranks: 2, job: RestartedJob(identifier: "k", firstResume: .never))
            #expect(try run.checkpoint()?.position.step == 1)
        }
    }

    @Test func aStartFromAnotherFoldersFileIsRepeatedUntilThereIsACheckpoint() throws {
        try withFinished { run in
            let start = "\(run.folder)/start.h5"
            try FileManager.default.copyItem(atPath: run.store.path(step: 6), toPath: start)
            run.configuration.output = "\(run.folder)/others"
            run.configuration.training.checkpointEvery = 0
            run.configuration.training.stopAfterSteps = 8
            let job = RestartedJob(identifier: "j", firstResume: .from(start))
            for stop in [8, 9] {
                run.configuration.training.stopAfterSteps = stop
                let results = try run.train(ranks: 1, job: job)
                let firstSteps = results[0].events.compactMap {
                    if case .started(let plan) = $0 { plan.firstStep } else { nil }
                }
                #expect(firstSteps == [stop == 8 ? 6 : 8])
            }
        }
    }
}
