import Checkpoints
import Foundation
import Memory
import Networks
import TestSupport
import Testing
import Workers

@Suite(.timeLimit(.minutes(30))) struct SnapshotTests {
    private func withWriter(
        milestone: Int = 0,
        _ body: (CheckpointWriter, CheckpointStore, Classifier) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1, milestone: milestone)
            let classifier = Samples.classifier()
            let snapshot = Snapshot(
                of: classifier, slots: [.momentum], configuration: "name: test\n", dataFingerprint: "0")
            try body(try CheckpointWriter(snapshot, to: store), store, classifier)
        }
    }

    private func velocity(_ classifier: Classifier) -> Buffer<Float> {
        Buffer(testValues(count: classifier.parameters.parameterCount, stream: 99), default: 0)
    }

    @Test(arguments: [1, 2]) func whatIsWrittenIsTheStateOfTheMoment(threads: Int) throws {
        try withWriter { writer, store, classifier in
            let velocity = velocity(classifier)
            let parameters = classifier.parameters
            parameters.batchCount = 3
            let expected = Checkpoint(
                classifier,
                slots: [
                    .init(
                        .momentum,
                        tensors: parameters.entries.filter { $0.role == .parameter }.map {
                            Checkpoint.Tensor(
                                name: $0.name, shape: $0.shape, elements: $0.elements(in: velocity))
                        })
                ], position: Samples.position(step: 12), configuration: "name: test\n", dataFingerprint: "0")
            let pool = WorkerPool(threads: threads)
            writer.write(isBest: true) {
                let culprit = $0.take(
                    parameters, slots: velocity, position: Samples.position(step: 12), on: pool)
                #expect(culprit == nil)
            }
            // The next step is already running.
            parameters.initialize(seed: 1)
            writer.wait()
            let outcome = try #require(writer.takeOutcomes().first)
            #expect(writer.takeOutcomes().isEmpty)
            #expect(outcome.step == 12 && outcome.isBest && outcome.path == store.path(step: 12))
            let length = try Data(contentsOf: URL(filePath: outcome.path)).count
            #expect(try outcome.result.get().byteCount == length)
            let found = try CheckpointStore.load(outcome.path)
            #expect(firstDifference(found.state, expected.state) == nil)
            #expect(firstDifference(found.slots, expected.slots) == nil)
            #expect(found.position == expected.position && found.configuration == expected.configuration)
            let best = try CheckpointStore.load(store.bestPath)
            #expect(firstDifference(best.state, expected.state) == nil && best.slots.isEmpty)
        }
    }

    @Test func theSameStateGivesTheSameBytes() throws {
        try withWriter { writer, store, classifier in
            let pool = WorkerPool(threads: 1)
            let velocity = velocity(classifier)
            var files: [Data] = []
            for _ in 0..<2 {
                writer.write(isBest: false) {
                    _ = $0.take(
                        classifier.parameters, slots: velocity, position: Samples.position(step: 1),
                        on: pool)
                }
                writer.wait()
                files.append(try Data(contentsOf: URL(filePath: store.path(step: 1))))
            }
            #expect(files[0] == files[1])
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func aNumberThatIsNoneIsNamed(value: Float) throws {
        let classifier = Samples.classifier()
        let (store, pool) = (classifier.parameters, WorkerPool(threads: 2))
        let snapshot = Snapshot(of: classifier, slots: [.momentum], configuration: "", dataFingerprint: "")
        let entry = try #require(store.entries.first { $0.name == "layer3.2.conv2.weight" })
        let statistic = try #require(store.entries.first { $0.name == "bn1.running_var" })
        var velocity = velocity(classifier)
        func culprit() -> String? {
            snapshot.take(store, slots: velocity, position: TrainingPosition(), on: pool)
        }
        #expect(culprit() == nil)
        store.values.set(entry.range.upperBound - 1, to: value)
        #expect(culprit() == "layer3.2.conv2.weight")
        store.values.set(entry.range.upperBound - 1, to: 0)
        store.statistics.set(statistic.range.lowerBound, to: value)
        #expect(culprit() == "bn1.running_var")
        store.statistics.set(statistic.range.lowerBound, to: 1)
        velocity.set(0, to: value)
        #expect(culprit() == "momentum/conv1.weight")
    }

    @Test func aFileThatCannotBeWrittenIsAnOutcome() throws {
        try withWriter { writer, store, classifier in
            let pool = WorkerPool(threads: 1)
            let velocity = velocity(classifier)
            func write(_ step: Int) {
                writer.write(isBest: false) {
                    _ = $0.take(
                        classifier.parameters, slots: velocity, position: Samples.position(step: step),
                        on: pool)
                }
            }
            // A folder blocks the path of the second one.
            try FileManager.default.createDirectory(
                atPath: "\(store.path(step: 2))/x", withIntermediateDirectories: true)
            for step in 1...3 { write(step) }
            writer.wait()
            let outcomes = writer.takeOutcomes()
            #expect(outcomes.map(\.step) == [1, 2, 3])
            let errors = outcomes.map { outcome -> CheckpointError? in
                if case .failure(let error) = outcome.result { error } else { nil }
            }
            #expect(errors[0] == nil && errors[2] == nil)
            #expect(errors[1]?.path == store.path(step: 2))
            #expect(errors[1]?.reason.hasPrefix("could not write: is a directory") == true)
        }
    }

    @Test func leftoversOfACrashAreRemoved() throws {
        try withTemporaryFolder { folder in
            for name in ["step-00000001.h5.partial-7", "best.h5.partial-7", "latest.partial-7", "notes"] {
                try Data("x".utf8).write(to: URL(filePath: "\(folder)/\(name)"))
            }
            let classifier = Samples.classifier()
            let writer = try CheckpointWriter(
                Snapshot(of: classifier, slots: [.momentum], configuration: "", dataFingerprint: ""),
                to: CheckpointStore(folder: folder, keep: 1))
            let velocity = velocity(classifier)
            writer.write(isBest: false) {
                _ = $0.take(
                    classifier.parameters, slots: velocity, position: Samples.position(step: 2),
                    on: WorkerPool(threads: 1))
            }
            writer.wait()
            #expect(try Samples.names(in: folder) == ["latest", "notes", "step-00000002.h5"])
        }
    }

    @Test func everyNthFileIsKept() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2, milestone: 20)
            for step in [10, 20, 30, 40, 50, 60, 70] { try store.save(Samples.checkpoint(step: step)) }
            #expect(
                try Samples.names(in: folder) == [
                    "latest", "step-00000020.h5", "step-00000040.h5", "step-00000060.h5", "step-00000070.h5",
                ])
        }
    }
}

extension Buffer<Float> {
    fileprivate mutating func set(_ index: Int, to value: Float) {
        var span = mutableSpan
        span[index] = value
    }
}
