import Checkpoints
import Checksums
import Cluster
import DatasetPacking
import DatasetSamples
import Datasets
import Failures
import Foundation
import RunConfiguration
import Synchronization
import Synthesis
import TestSupport
import Testing
import Training

/// What a run reports at the end of an epoch about the records that it has read.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct EpochCoverageTests {
    /// An image source that reads one record in place of another and reports the one it read.
    private struct Confused: ImageSource {
        let set: PackedDataset
        let wrong: Int
        let given: Int

        var count: Int { self.set.count }
        func label(of record: Int) -> Int32 { self.set.label(of: record) }
        func image(of record: Int) throws(DatasetError) -> RGBImage { try self.set.image(of: record) }

        func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int {
            try set.load(record == wrong ? given : record, into: workspace)
        }
    }

    @Test(arguments: [1, 2, 3])
    func anEpochThatReadsARecordTwiceStopsEveryRank(ranks: Int) throws {
        try withData { folder in
            let failure = try #require(throws: JobFailure.self) {
                try run(folder, ranks: ranks) { Confused(set: $0, wrong: 40, given: 41) }
            }
            #expect(failure.exitCode == ExitCode.data)
            #expect(
                failure.message.hasPrefix(
                    "could not verify epoch 1, \(folder)/train: 70 records were read, as many as there are, but not each exactly once (hash "
                ), "\(failure.message)")
            // No checkpoint of the epoch is left.
            #expect(try newest(folder) == nil)
        }
    }

    @Test func theHashIsThatOfEveryRecordOnceWhateverHadAPartInIt() throws {
        try withData { folder in
            let expected = MultisetHash(all: 70)
            let whole = try run(folder, ranks: 1)
            #expect(whole.map(\.recordHash) == [expected.hexadecimal, expected.hexadecimal])
            #expect(whole.map(\.recordCount) == [70, 70])
            try FileManager.default.removeItem(atPath: "\(folder)/runs")

            // An epoch has five steps; the run is stopped twice in the first one and once in the
            // second, each time with another number of ranks.
            for (stop, ranks, tally) in [(2, 2, true), (4, 1, true), (7, 3, true)] {
                _ = try run(folder, ranks: ranks, stop: stop)
                let position = try #require(try newest(folder)).position
                #expect(position.step == stop)
                #expect((position.epochRecords?.count == position.stepInEpoch * 16) == tally)
            }
            let rest = try run(folder, ranks: 2)
            #expect(rest.map(\.recordHash) == [expected.hexadecimal])
        }
    }

    @Test func aConfusionBeforeAStopIsFoundByTheNextJob() throws {
        try withData { folder in
            // A record that the first steps read, in the order of the run's seed.
            let first = Sampler(seed: 0, count: 70).order(epoch: 0).record(at: 3)
            _ = try run(folder, ranks: 2, stop: 2) {
                Confused(set: $0, wrong: first, given: (first + 1) % 70)
            }
            let failure = try #require(throws: JobFailure.self) { try run(folder, ranks: 1) }
            #expect(failure.exitCode == ExitCode.data)
            #expect(failure.message.contains("could not verify epoch 1"))
        }
    }

    @Test func anEpochThatAnEarlierVersionBeganIsNotJudged() throws {
        var position = TrainingPosition()
        position.step = 3
        position.stepInEpoch = 3
        let now = String(decoding: try JSONEncoder().encode(position), as: UTF8.self)
        let earlier = now.replacing(#/,?"epochRecords":\{[^}]*\}/#, with: "").replacing("{,", with: "{")
        #expect(!earlier.contains("epochRecords"))
        let read = try JSONDecoder().decode(TrainingPosition.self, from: Data(earlier.utf8))
        #expect(read.epochRecords == nil && read.stepInEpoch == 3)
    }

    // MARK: - Runs

    private func withData(_ body: (_ folder: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for (name, count) in [(SyntheticSet.Name.train, 70), (.validation, 20)] {
                var packer = Packer(
                    source: SyntheticSet(name, seed: 0, count: count).records, name: name.rawValue,
                    destination: "\(folder)/\(name.rawValue)")
                _ = try packer.run()
            }
            try body(folder)
        }
    }

    private func run(
        _ folder: String, ranks: Int, stop: Int = 0,
        reading: @escaping @Sendable (PackedDataset) -> any ImageSource = { $0 }
    ) throws -> [EpochReport] {
        var configuration = RunConfiguration()
        configuration.output = "\(folder)/runs"
        configuration.data.train = "\(folder)/train"
        configuration.data.validation = "\(folder)/validation"
        configuration.network.name = "resnet20"
        configuration.optimizer.learningRate = 0.01
        configuration.training.batch = 16
        configuration.training.microbatch = 4
        configuration.training.epochs = 2
        configuration.training.stopAfterSteps = stop
        configuration.compute.threads = 1
        let settings = configuration
        let reports = try ThreadedWorld.run(size: ranks) { rank, world in
            let reports = Mutex<[EpochReport]>([])
            var seams = Trainer.Seams()
            seams.reading = reading
            let trainer = Trainer(
                settings, communicator: ThreadedCommunicator(rank: rank, of: world), seams: seams,
                observer: { event in
                    if case .epoch(let report) = event { reports.withLock { $0.append(report) } }
                })
            try trainer.run()
            return reports.withLock(\.self)
        }
        for own in reports { #expect(own.map(\.recordHash) == reports[0].map(\.recordHash)) }
        return reports[0]
    }

    private func newest(_ folder: String) throws -> Checkpoint? {
        try CheckpointStore(folder: "\(folder)/runs/run/s0/checkpoints", keep: 1).newest()?.checkpoint
    }
}
