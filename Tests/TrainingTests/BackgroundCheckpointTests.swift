import Checkpoints
import Cluster
import Failures
import Foundation
import RunConfiguration
import TestSupport
import Testing
import Training

/// Checkpoints that are written while training goes on.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct BackgroundCheckpointTests {
    private func reports(_ result: SmallRun.Result) -> [CheckpointReport] {
        result.events.compactMap { if case .checkpoint(let report) = $0 { report } else { nil } }
    }

    private func notices(_ result: SmallRun.Result) -> [String] {
        result.events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    private func stepCount(_ run: SmallRun) throws -> Int {
        try run.metrics().count { $0.contains("\"event\":\"step\"") }
    }

    @Test(arguments: [1, 2]) func rankZeroHearsOfEachOnceItIsThere(ranks: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 2
            run.configuration.training.keep = 9
            let results = try run.train(ranks: ranks)
            let reports = reports(results[0])
            #expect(reports.map(\.step) == [2, 4, 5, 6, 8, 10])
            #expect(reports.map(\.path) == reports.map { run.store.path(step: $0.step) })
            #expect(reports.filter(\.isBest).allSatisfy { [5, 10].contains($0.step) })
            #expect(reports[2].isBest)
            for report in reports {
                let length = try Data(contentsOf: URL(filePath: report.path)).count
                #expect(report.byteCount == length)
                #expect(report.stallSeconds > 0 && report.writeSeconds > 0)
                #expect(try CheckpointStore.load(report.path).position.step == report.step)
            }
            for other in results.dropFirst() { #expect(self.reports(other).isEmpty) }
            let lines = try run.metrics().filter { $0.contains("\"event\":\"checkpoint\"") }
            #expect(lines.count == 6 && lines.allSatisfy { $0.contains("\"stallSeconds\":") })
        }
    }

    @Test func aStepIsSavedOnceWhateverFallsDueAfterIt() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 5
            run.configuration.training.stopAfterSteps = 5
            let results = try run.train(ranks: 1)
            #expect(reports(results[0]).map(\.step) == [5])
        }
    }

    @Test func everySecondOneIsKeptForGood() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 2
            run.configuration.training.keep = 1
            run.configuration.training.keepEvery = 2
            try run.train(ranks: 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: run.store.folder).sorted()
            #expect(
                names == ["best.h5", "latest", "step-00000004.h5", "step-00000008.h5", "step-00000010.h5"])
        }
    }

    /// Five steps an epoch: a milestone counts checkpoints, not steps.
    @Test func ofEpochsEveryFifthOneIsKeptForGood() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 0
            run.configuration.training.keep = 1
            run.configuration.training.keepEvery = 5
            try run.train(ranks: 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: run.store.folder).sorted()
            #expect(names == ["best.h5", "latest", "step-00000010.h5"])
        }
    }

    /// Trains, and once training has begun creates a folder at the path of step `blocked`'s file.
    private func train(
        _ run: SmallRun, ranks: Int, blocked: Int, stopAt stop: Int = .max
    ) throws -> [SmallRun.Result] {
        let path = run.store.path(step: blocked)
        return try run.train(ranks: ranks) { rank, step in
            if rank == 0 && step == 1 {
                try? FileManager.default.createDirectory(
                    atPath: "\(path)/x", withIntermediateDirectories: true)
            }
            return step >= stop ? "SIGTERM" : nil
        }
    }

    @Test(arguments: [1, 2]) func aFailedWriteStopsAllRanks(ranks: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 2
            let failure = try #require(throws: JobFailure.self) {
                try train(run, ranks: ranks, blocked: 4)
            }
            #expect(failure.exitCode == ExitCode.checkpoint && failure.rank == 0)
            #expect(
                failure.message.hasPrefix(
                    "checkpoint \(run.store.path(step: 4)): could not write: is a directory"),
                "\(failure.message)")
            // At the latest, the next checkpoint waits for this write and receives its failure.
            #expect((4...6).contains(try stepCount(run)))
            try FileManager.default.removeItem(atPath: run.store.path(step: 4))
            #expect(try run.checkpoint()?.position.step == 2)
        }
    }

    @Test func aFailedWriteIsANoticeIfTheRunIsToGoOn() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.checkpointEvery = 2
            run.configuration.training.keep = 9
            run.configuration.training.onCheckpointFailure = .continue
            let results = try train(run, ranks: 2, blocked: 4)
            #expect(results.map(\.outcome) == [.done, .done])
            #expect(reports(results[0]).map(\.step) == [2, 5, 6, 8, 10])
            let reported = notices(results[0]).filter { $0.contains("could not write: is a directory") }
            #expect(reported.count == 1 && reported.first?.contains("training continues") == true)
            #expect(try run.checkpoint()?.position.step == 10)
        }
    }

    @Test func aBestModelThatCouldNotBeWrittenIsToldToBeLost() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.onCheckpointFailure = .continue
            run.configuration.training.stopAfterSteps = 7
            let path = run.store.bestPath
            let results = try run.train(ranks: 1) { _, step in
                if step == 1 {
                    try? FileManager.default.createDirectory(
                        atPath: "\(path)/x", withIntermediateDirectories: true)
                }
                return nil
            }
            #expect(notices(results[0]).contains { $0.contains("The best model so far is lost") })
            #expect(try run.checkpoint()?.position.step == 7)
        }
    }

    @Test func theLastOneIsNeededAllTheSame() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.onCheckpointFailure = .continue
            let failure = try #require(throws: JobFailure.self) { try train(run, ranks: 1, blocked: 10) }
            #expect(failure.exitCode == ExitCode.checkpoint)
            #expect(try stepCount(run) == 10)
        }
    }

    @Test func aStopNeedsItsCheckpoint() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.onCheckpointFailure = .continue
            let failure = try #require(throws: JobFailure.self) {
                try train(run, ranks: 1, blocked: 3, stopAt: 2)
            }
            #expect(failure.exitCode == ExitCode.checkpoint)
        }
    }
}
