import Checkpoints
import Checksums
import Datasets
import Foundation
import RunConfiguration
import Software
import TestSupport
import Testing
import Training

/// The log of a resumed run; runs without a validation set; runs in the stored order.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct RunLogTests {
    private func path(_ run: SmallRun) -> URL { URL(filePath: "\(run.folder)/runs/run/s0/metrics.jsonl") }

    private func stepLines(_ bytes: Data) -> [Data] {
        bytes.split(separator: UInt8(ascii: "\n")).filter {
            String(decoding: $0, as: UTF8.self).contains("\":\"step\"")
        }
    }

    /// Bytes that are not UTF-8, not JSON, or the beginning of a line.
    @Test(arguments: [5, 6]) func aDamagedLineCostsNoOther(stop: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = stop
            try run.train(ranks: 1)
            var bytes = try Data(contentsOf: path(run))
            let lines = bytes.split(separator: UInt8(ascii: "\n"))
            let whole = stepLines(bytes).count
            #expect(whole == stop)
            bytes[lines[1].startIndex + 3] = 0xFF
            bytes[lines[2].startIndex] = UInt8(ascii: "x")
            let damaged = Data(bytes)
            // As after a power cut, or a process that was killed.
            bytes += Data("{\"event\":\"st".utf8) + Data([0, 0, 0])
            try bytes.write(to: path(run))
            run.configuration.training.stopAfterSteps = 0
            try run.train(ranks: 2)
            let found = try Data(contentsOf: path(run))
            #expect(found.starts(with: damaged))
            #expect(found.count { $0 == 0 } == 0)
            #expect(stepLines(found).count == 10)
        }
    }

    @Test func theFirstLineOfEachJobNamesItsSoftware() throws {
        struct Start: Decodable {
            let event: String
            let step: Int
            let software: SoftwareRecord
        }
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = 3
            try run.train(ranks: 1)
            run.configuration.training.stopAfterSteps = 4
            try run.train(ranks: 2)
            let lines = try run.metrics()
            let starts = lines.indices.filter { lines[$0].contains("\"event\":\"start\"") }
            #expect(starts.first == 0 && starts.count == 2)
            for (line, step) in zip(starts, [0, 3]) {
                let start = try JSONDecoder().decode(Start.self, from: Data(lines[line].utf8))
                #expect(start.step == step && start.software == .current)
            }
            #expect(try run.checkpoint()?.software == .current)
        }
    }

    @Test func linesBehindTheCheckpointGo() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.training.stopAfterSteps = 3
            try run.train(ranks: 1)
            let kept = try Data(contentsOf: path(run))
            try
                (kept
                + Data("{\"event\":\"step\",\"step\":4}\n\u{FF}\n{\"event\":\"step\",\"step\":5}\n".utf8))
                .write(to: path(run))
            run.configuration.training.stopAfterSteps = 4
            try run.train(ranks: 1)
            let found = stepLines(try Data(contentsOf: path(run)))
            #expect(found.count == 4 && found[3].count > 60)
        }
    }

    @Test func aLogThatCannotBeReadIsNotWrittenOver() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/metrics.jsonl"
            try FileManager.default.createDirectory(atPath: "\(path)/x", withIntermediateDirectories: true)
            #expect(throws: (any Error).self) {
                _ = try EventLog(path: path, afterStep: 3, software: .current)
            }
        }
    }

    @Test(arguments: [1, 2]) func withoutAValidationSetTheNewestModelIsTheBest(ranks: Int) throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.data.validation = ""
            let results = try run.train(ranks: ranks)
            let said = results[0].events.filter {
                if case .notice(let text) = $0 { text.contains("data.validation is empty") } else { false }
            }
            #expect(said.count == 1)
            let best = try CheckpointStore.load(run.store.bestPath)
            let newest = try #require(try run.checkpoint())
            #expect(best.position.step == 10 && best.state == newest.state)
            let epochs = try run.metrics().filter { $0.contains("\"event\":\"epoch\"") }
            #expect(epochs.count == 2 && !epochs.contains { $0.contains("validationAccuracy") })
            for case .started(let plan) in results[0].events {
                #expect(!plan.hasValidation && plan.hasClassifier)
            }
        }
    }

    /// The order is a mathematical setting, and the stored order is one that other trainers have
    /// too.
    @Test func recordsAreUsedAsTheyAreStored() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.data.order = .stored
            run.configuration.training.stopAfterSteps = 3
            let order = run.configuration.sampler(count: 70)
            for epoch in 0..<2 {
                #expect((0..<70).map { order.order(epoch: epoch).record(at: $0) } == Array(0..<70))
            }
            try run.train(ranks: 2)
            let multisetHash = try #require(try run.checkpoint()?.position.epochRecords)
            #expect(multisetHash.count == 48)
            run.configuration.data.order = .shuffled
            run.configuration.training.stopAfterSteps = 0
            #expect(throws: (any Error).self) { try run.train(ranks: 1) }
            run.configuration.data.order = .stored
            #expect(try run.train(ranks: 1)[0].outcome == .done)
        }
    }
}
