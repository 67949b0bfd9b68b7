import Checkpoints
import Cluster
import Failures
import Foundation
import Kernels
import RunConfiguration
import TestSupport
import Testing
import Training

/// What a run resumes from, and with which settings.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct ResumptionTests {
    private func notices(_ result: SmallRun.Result) -> [String] {
        result.events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    /// A run that has stopped after `steps` updates, and may then run to its end.
    private func withStopped(after steps: Int, _ body: (inout SmallRun) throws -> Void) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = steps
            try run.train(ranks: 1)
            run.configuration.training.stopAfterSteps = 0
            try body(&run)
        }
    }

    @Test func otherMathematicsAreRefusedWithAllKeysAndBothValues() throws {
        try withStopped(after: 5) { run in
            run.configuration.optimizer.learningRate = 0.02
            run.configuration.training.epochs = 3
            run.configuration.training.keep = 7
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2) }
            #expect(failure.exitCode == ExitCode.checkpoint)
            for part in [
                "optimizer.learningRate is 0.02, was 0.01; training.epochs is 3, was 2",
                "--allow-change optimizer.learningRate --allow-change training.epochs",
            ] { #expect(failure.message.contains(part), "\(failure.message)") }
            #expect(!failure.message.contains("training.keep"))
        }
    }

    @Test(arguments: [["optimizer.learningRate", "training.epochs"], ["optimizer", "training"]])
    func allowedChangesAreTakenOverAndTold(allowed: [String]) throws {
        try withStopped(after: 5) { run in
            run.configuration.optimizer.learningRate = 0.02
            run.configuration.training.epochs = 3
            let refused = try #require(throws: JobFailure.self) {
                try run.train(ranks: 1, allowedChanges: [allowed[0]])
            }
            #expect(refused.message.contains("training.epochs") && !refused.message.contains("learningRate"))
            let results = try run.train(ranks: 1, allowedChanges: Set(allowed))
            #expect(
                notices(results[0]).prefix(2) == [
                    "changed as allowed: optimizer.learningRate is 0.02, was 0.01",
                    "changed as allowed: training.epochs is 3, was 2",
                ])
            let checkpoint = try #require(try run.checkpoint())
            #expect(checkpoint.position.step == 15)
            let kept = try RunConfiguration(yaml: checkpoint.configuration, file: "checkpoint")
            #expect(kept.optimizer.learningRate == 0.02)
        }
    }

    @Test func algorithmsOfConvolutionsChangeWhereThatIsAllowed() throws {
        try withStopped(after: 5) { run in
            run.configuration.compute.convolution = .tiled
            try run.train(ranks: 1, allowedChanges: ["compute.convolution"])
            #expect(try run.checkpoint()?.convolutions == .fixed(algorithm: .tiled))
        }
    }

    @Test func whatFixesTheOrderStaysWithinAnEpoch() throws {
        try withStopped(after: 3) { run in
            run.configuration.data.window = 10
            let failure = try #require(throws: JobFailure.self) {
                try run.train(ranks: 1, allowedChanges: ["data.window"])
            }
            #expect(failure.message.contains("is 3 steps into an epoch, in which data.window cannot change"))
        }
        try withStopped(after: 5) { run in
            run.configuration.data.window = 10
            try run.train(ranks: 1, allowedChanges: ["data.window"])
            #expect(try run.checkpoint()?.position.step == 10)
        }
    }

    @Test func anotherNumberOfStepsInAnEpochIsRefusedWhateverIsAllowed() throws {
        try withStopped(after: 5) { run in
            run.configuration.training.batch = 32
            let failure = try #require(throws: JobFailure.self) {
                try run.train(ranks: 1, allowedChanges: ["training.batch"])
            }
            #expect(failure.message.contains("an epoch has 3 steps now"), "\(failure.message)")
        }
    }

    @Test func aMovedTrainingSetIsTheSameAndAnotherOneIsNot() throws {
        try withStopped(after: 3) { run in
            let moved = "\(run.folder)/moved"
            try FileManager.default.moveItem(atPath: run.configuration.data.train, toPath: moved)
            run.configuration.data.train = moved
            run.configuration.training.stopAfterSteps = 5
            try run.train(ranks: 1)
            #expect(try run.checkpoint()?.position.step == 5)
            run.configuration.training.stopAfterSteps = 0
            run.configuration.data.train = run.configuration.data.validation
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 1) }
            #expect(failure.message.contains("the training data's fingerprint is "))
            #expect(failure.message.contains("--allow-change data.train"))
        }
    }

    @Test func aDamagedNewestIsNamedAndKeptAsideAndTheBitsAreTheSame() throws {
        try SmallRun.with { whole in
            try whole.train(ranks: 1)
            let expected = try #require(try whole.checkpoint())
            try SmallRun.with { run in
                var run = run
                run.configuration.training.checkpointEvery = 2
                run.configuration.training.stopAfterSteps = 6
                try run.train(ranks: 1)
                run.configuration.training.stopAfterSteps = 0
                let path = run.store.path(step: 6)
                var bytes = try Data(contentsOf: URL(filePath: path))
                bytes[bytes.count / 2] ^= 4
                try bytes.write(to: URL(filePath: path))
                let results = try run.train(ranks: 2)
                let reported = notices(results[0]).filter {
                    $0.hasPrefix("passed over: checkpoint \(path): ")
                        && $0.contains(" does not match its checksum")
                }
                #expect(reported.count == 1 && reported.first?.hasSuffix("; kept as \(path).damaged") == true)
                let aside = try Data(contentsOf: URL(filePath: "\(path).damaged"))
                #expect(aside == bytes)
                let found = try #require(try run.checkpoint())
                #expect(firstDifference(found.state, expected.state) == nil)
                #expect(firstDifference(found.slots, expected.slots) == nil)
            }
        }
    }

    @Test func aRunThatStartsAnewDoesNotComeAcrossItsOldFiles() throws {
        try withStopped(after: 5) { run in
            run.configuration.training.stopAfterSteps = 3
            let results = try run.train(ranks: 1, resume: .never)
            let old = "\(run.store.path(step: 5)).abandoned"
            #expect(notices(results[0]).contains { $0.hasSuffix("is kept as \(old)") })
            #expect(try run.checkpoint()?.position.step == 3)
        }
    }
}
