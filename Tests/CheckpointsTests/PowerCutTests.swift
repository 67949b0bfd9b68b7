import Checkpoints
import Foundation
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// A process that is killed at any file-system call of a save, and a disk that loses what was not
/// synced.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct PowerCutTests {
    /// What is lost with the process; see `Tests/Faults/failing_disk.c`.
    enum Loss: String, Sendable {
        case nothing, data, names
    }

    /// Every call with the hardest loss, every second and every third one with the others;
    /// `tools/break-checkpoints` tests every call with each loss.
    @Test(
        .enabled(if: PreloadedLibrary.canBeBuilt, "needs a C compiler"),
        arguments: [(Loss.names, 1), (.data, 2), (.nothing, 3)])
    func afterAnyCallAGoodCheckpointIsThere(loss: Loss, interval: Int) async throws {
        try await withShim { shim, folder in
            let count = try await save(shim, in: folder, loss: loss, call: 0).calls
            // Both files and `latest`, each written, synced, read, renamed, with its folder synced;
            // the old one deleted.
            #expect((30...80).contains(count))
            var steps: Set<Int> = []
            for call in stride(from: 1, through: count, by: interval) {
                let outcome = try await save(shim, in: folder, loss: loss, call: call)
                #expect(outcome.exitCode == 128 + SIGKILL, "call \(call)")
                steps.insert(try checkState(in: outcome.folder, call: call))
                try saveAgain(in: outcome.folder)
                #expect(
                    try Samples.names(in: outcome.folder) == ["best.h5", "latest", "step-00000002.h5"],
                    "call \(call)")
            }
            #expect(steps == [1, 2])
        }
    }

    /// Saves again, whatever files the killed process has left.
    private func saveAgain(in folder: String) throws {
        let classifier = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10)
        let writer = try CheckpointWriter(
            Snapshot(of: classifier, slots: [.momentum], configuration: "", dataFingerprint: ""),
            to: CheckpointStore(folder: folder, keep: 1))
        var position = TrainingPosition()
        position.step = 2
        let velocity = Buffer<Float>(zeros: classifier.parameters.parameterCount)
        writer.write(isBest: true) {
            _ = $0.take(
                classifier.parameters, slots: velocity, position: position, on: WorkerPool(threads: 1))
        }
        writer.wait()
        let outcome = try #require(writer.takeOutcomes().first)
        _ = try outcome.result.get()
    }

    /// Checks the state that a run would resume from.
    ///
    /// - Returns: Its step.
    private func checkState(in folder: String, call: Int) throws -> Int {
        let store = CheckpointStore(folder: folder, keep: 1)
        let newest = try #require(try store.newest(), "call \(call)")
        #expect(newest.damaged.isEmpty, "call \(call): \(newest.damaged)")
        let step = newest.checkpoint.position.step
        let expected = Self.expected[step - 1]
        #expect(firstDifference(newest.checkpoint.state, expected.state) == nil, "call \(call)")
        #expect(firstDifference(newest.checkpoint.slots, expected.slots) == nil, "call \(call)")
        let best = try CheckpointStore.load(store.bestPath)
        let model = Self.expected[best.position.step - 1]
        #expect(firstDifference(best.state, model.state) == nil, "call \(call)")
        // The best model is never older than a state that refers to it.
        #expect(best.position.step >= step, "call \(call)")
        let latest = try String(contentsOfFile: "\(folder)/latest", encoding: .utf8).dropLast()
        #expect(FileManager.default.fileExists(atPath: "\(folder)/\(latest)"), "call \(call)")
        return step
    }

    /// What `checkpoint-check` writes for steps 1 and 2.
    private static let expected: [Checkpoint] = [1, 2].map { step in
        let classifier = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10)
        classifier.parameters.initialize(seed: UInt64(step))
        let momentum = classifier.parameters.entries.filter { $0.role == .parameter }.map {
            Checkpoint.Tensor(
                name: $0.name, shape: $0.shape, elements: [Float](repeating: Float(step), count: $0.count))
        }
        return Checkpoint(
            classifier, slots: [.init(.momentum, tensors: momentum)], position: TrainingPosition(),
            configuration: "",
            dataFingerprint: "")
    }

    private struct Outcome {
        var exitCode: Int32
        /// The store's folder.
        var folder: String
        var calls: Int
    }

    /// Saves step 2 beside step 1, with the process killed at `call`.
    private func save(
        _ shim: String, in folder: String, loss: Loss, call: Int
    ) async throws -> Outcome {
        let files = FileManager.default
        let (store, shadow, count) = ("\(folder)/store", "\(folder)/shadow", "\(folder)/count")
        for path in [store, shadow] { try? files.removeItem(atPath: path) }
        try files.copyItem(atPath: "\(folder)/first", toPath: store)
        try files.createDirectory(atPath: shadow, withIntermediateDirectories: true)
        let outcome = try await Command(
            Command.product("checkpoint-check"), [store, "2"],
            environment: [
                "LD_PRELOAD": shim, "DISK_FOLDER": store, "DISK_SHADOW": shadow, "DISK_LOSS": loss.rawValue,
                "DISK_CALL": "\(call)", "DISK_COUNT": count,
            ]
        ).run()
        let calls = try? String(contentsOfFile: count, encoding: .utf8)
        return Outcome(
            exitCode: outcome.exitCode, folder: store,
            calls: calls.flatMap { Int($0.trimmingCharacters(in: .newlines)) } ?? 0)
    }

    /// Calls `body` with the shim, and a folder with the store of step 1 as `first`.
    private func withShim(_ body: (_ shim: String, _ folder: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let shim = try await PreloadedLibrary("failing_disk", in: folder).path
            let first = try await Command(Command.product("checkpoint-check"), ["\(folder)/first", "1"]).run()
            try #require(first.exitCode == 0, "\(first.standardOutput)")
            try await body(shim, folder)
        }
    }
}
