import Checkpoints
import Foundation
import HDF5
import Kernels
import Networks
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct CheckpointStoreTests {
    @Test func aSnapshotComesBackToTheBit() throws {
        try withTemporaryFolder { folder in
            let saved = Samples.checkpoint(step: 7)
            let store = CheckpointStore(folder: "\(folder)/deep/checkpoints", keep: 2)
            try store.save(saved)
            let newest = try #require(try store.newest())
            #expect(newest.path == "\(folder)/deep/checkpoints/step-00000007.h5")
            #expect(newest.damaged.isEmpty)
            let loaded = newest.checkpoint
            #expect(loaded.network == saved.network)
            #expect(loaded.classes == saved.classes)
            #expect(loaded.temperature == saved.temperature && loaded.projection == nil)
            #expect(loaded.position == saved.position)
            #expect(loaded.configuration == saved.configuration)
            #expect(loaded.dataFingerprint == saved.dataFingerprint)
            #expect(loaded.state.map(\.name) == saved.state.map(\.name))
            #expect(loaded.state.map(\.shape) == saved.state.map(\.shape))
            #expect(firstDifference(loaded.state, saved.state) == nil)
            #expect(firstDifference(loaded.slots, saved.slots) == nil)
        }
    }

    @Test(arguments: [AlgorithmSelection.fixed(algorithm: .tiled), Samples.autotuned])
    func theConvolutionAlgorithmsAreKept(selection: AlgorithmSelection) throws {
        try withTemporaryFolder { folder in
            let saved = Samples.checkpoint(of: Samples.classifier(convolutions: selection))
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.save(saved)
            let loaded = try #require(try store.newest())
            #expect(loaded.checkpoint.convolutions == selection)
            #expect(try loaded.checkpoint.makeClassifier(path: loaded.path).convolutions == selection)
        }
    }

    /// Earlier versions wrote only such files.
    @Test func aFileWithoutAlgorithmsFollowsTheShapes() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.save(Samples.checkpoint())
            let newest = try #require(try store.newest())
            #expect(!(try HDF5File(opening: newest.path).hasAttribute("convolutions")))
            #expect(newest.checkpoint.convolutions == .shape)
        }
    }

    @Test func aLinearHeadHasNoTemperature() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.save(Samples.checkpoint(of: Samples.classifier(head: .linear)))
            #expect(try store.newest()?.checkpoint.temperature == nil)
        }
    }

    @Test func aProjectionHeadIsKeptWithItsWidth() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.save(Samples.checkpoint(of: Samples.classifier(head: .projection(outputs: 5))))
            let newest = try #require(try store.newest())
            #expect(newest.checkpoint.projection == 5 && newest.checkpoint.temperature == nil)
            #expect(
                newest.checkpoint.state.suffix(4).map(\.name) == [
                    "head.0.weight", "head.0.bias", "head.2.weight", "head.2.bias",
                ])
            #expect(newest.checkpoint.state.last?.shape == [5])
            let classifier = try newest.checkpoint.makeClassifier(path: newest.path)
            #expect(classifier.headKind == .projection(outputs: 5))
        }
    }

    @Test func theBestModelIsKeptWithoutMomentum() throws {
        try withTemporaryFolder { folder in
            let saved = Samples.checkpoint()
            let store = CheckpointStore(folder: folder, keep: 1)
            try store.saveBest(saved)
            let best = try CheckpointStore.load(store.bestPath)
            #expect(best.slots.isEmpty)
            #expect(firstDifference(best.state, saved.state) == nil)
            // A run does not resume from the best model.
            #expect(try store.newest() == nil)
        }
    }

    @Test(arguments: [1, 2, 3])
    func theNewestFilesAreKeptAndTheBestOne(keep: Int) throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: keep)
            for step in [5, 20, 100, 110] {
                try store.save(Samples.checkpoint(step: step))
                if step == 5 { try store.saveBest(Samples.checkpoint(step: step)) }
            }
            let steps = ["step-00000005.h5", "step-00000020.h5", "step-00000100.h5", "step-00000110.h5"]
            #expect(try Samples.names(in: folder) == ["best.h5", "latest"] + steps.suffix(keep))
            #expect(try String(contentsOfFile: "\(folder)/latest", encoding: .utf8) == "step-00000110.h5\n")
        }
    }

    @Test func nothingThereIsNoError() throws {
        #expect(try CheckpointStore(folder: "/nowhere/checkpoints", keep: 1).newest() == nil)
    }

    @Test func aMissingFileIsNamed() throws {
        let error = #expect(throws: CheckpointError.self) { _ = try CheckpointStore.load("/nowhere/a.h5") }
        #expect("\(try #require(error))" == "checkpoint /nowhere/a.h5: there is no such file")
    }

    @Test func aFolderThatCannotBeMadeIsNamed() throws {
        try withTemporaryFolder { folder in
            try Data().write(to: URL(filePath: "\(folder)/file"))
            let error = #expect(throws: CheckpointError.self) {
                try CheckpointStore(folder: "\(folder)/file/checkpoints", keep: 1).save(Samples.checkpoint())
            }
            #expect(error?.path == "\(folder)/file/checkpoints")
        }
    }
}

/// Files left by a crash, a full disk or a faulty disk.
@Suite(.timeLimit(.minutes(30))) struct DamagedCheckpointTests {
    private func withTwo(
        _ body: (_ store: CheckpointStore, _ newer: Checkpoint, _ path: String) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            let newer = Samples.checkpoint(step: 20)
            try store.save(Samples.checkpoint(step: 10))
            try store.save(newer)
            try body(store, newer, "\(folder)/step-00000020.h5")
        }
    }

    private func expectOlder(_ store: CheckpointStore, passingOver path: String, saying reason: String) throws
    {
        let newest = try #require(try store.newest())
        #expect(newest.path.hasSuffix("step-00000010.h5"))
        #expect(newest.damaged.map(\.path) == [path])
        #expect(newest.damaged.first?.reason.contains(reason) == true, "\(newest.damaged)")
    }

    @Test(arguments: [0, 0.01, 0.5, 0.999])
    func aCutOffFileIsNamedAndTheOneBeforeUsed(share: Double) throws {
        try withTwo { store, _, path in
            try Samples.truncate(path, to: share)
            try expectOlder(store, passingOver: path, saying: share == 0 ? "signature" : "truncated")
            #expect(throws: CheckpointError.self) { _ = try CheckpointStore.load(path) }
        }
    }

    @Test func aTensorWithOneWrongBitIsNamed() throws {
        try withTwo { store, newer, path in
            let tensor = try #require(newer.state.first { $0.name == "layer2.1.conv2.weight" })
            try Samples.damage(path, elements: tensor.elements)
            try expectOlder(
                store, passingOver: path,
                saying: "tensor 'state/layer2.1.conv2.weight' does not match its checksum")
        }
    }

    @Test func momentumWithOneWrongBitIsNamed() throws {
        try withTwo { store, newer, path in
            let tensor = try #require(newer.tensors(ofSlot: "momentum").first { $0.name == "conv1.weight" })
            try Samples.damage(path, elements: tensor.elements)
            try expectOlder(store, passingOver: path, saying: "tensor 'momentum/conv1.weight' does not match")
        }
    }

    @Test func aHeaderWithOneWrongBitIsNoticed() throws {
        try withTwo { store, newer, path in
            let bytes = try Data(contentsOf: URL(filePath: path))
            let place = try #require(bytes.firstRange(of: Data(newer.dataFingerprint.utf8)))
            try Samples.damage(path, at: place.lowerBound)
            try expectOlder(store, passingOver: path, saying: "header does not match its checksum")
        }
    }

    @Test func aKeptAlgorithmWithOneWrongBitIsNoticed() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            try store.save(Samples.checkpoint(step: 10))
            try store.save(
                Samples.checkpoint(of: Samples.classifier(convolutions: Samples.autotuned), step: 20))
            let path = "\(folder)/step-00000020.h5"
            let bytes = try Data(contentsOf: URL(filePath: path))
            let place = try #require(bytes.firstRange(of: Data("outputChannels\":16".utf8)))
            try Samples.damage(path, at: place.upperBound - 1)
            try expectOlder(store, passingOver: path, saying: "header does not match its checksum")
        }
    }

    @Test func whereAllAreDamagedTheNewestIsNamed() throws {
        try withTwo { store, _, path in
            try Samples.truncate(path, to: 0.5)
            try Samples.truncate("\(store.folder)/step-00000010.h5", to: 0.5)
            let error = #expect(throws: CheckpointError.self) { _ = try store.newest() }
            #expect(error?.path == path)
        }
    }

    @Test func aFileFromACrashInTheMiddleOfWritingIsNotTaken() throws {
        try withTwo { store, _, path in
            try Data("half".utf8).write(to: URL(filePath: "\(store.folder)/step-00000030.h5.partial-123"))
            let newest = try #require(try store.newest())
            #expect(newest.path == path)
            #expect(newest.damaged.isEmpty)
        }
    }
}
