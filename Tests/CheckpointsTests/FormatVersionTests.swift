import Checkpoints
import Foundation
import HDF5
import Software
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct FormatVersionTests {
    /// The first six tensors and three momentum tensors of `Samples`, written in format version 1.
    private let old = packageRoot.appending(path: "Tests/Fixtures/checkpoint-version-1.h5").path

    @Test func aFileOfVersion1IsRead() throws {
        let loaded = try CheckpointStore.load(old)
        let written = Samples.checkpoint(of: Samples.classifier(convolutions: Samples.autotuned), step: 7)
        #expect(firstDifference(loaded.state, Array(written.state.prefix(6))) == nil)
        #expect(
            firstDifference(
                loaded.tensors(ofSlot: "momentum"), Array(written.tensors(ofSlot: "momentum").prefix(3)))
                == nil)
        #expect(loaded.position == written.position)
        #expect(loaded.convolutions == written.convolutions)
        #expect(loaded.temperature == written.temperature && loaded.classes == written.classes)
        #expect(loaded.configuration == written.configuration)
        #expect(loaded.dataFingerprint == written.dataFingerprint)
        #expect(loaded.softwareVersion == nil && loaded.software == nil)
    }

    @Test func aWrongBitOfVersion1IsNamed() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/step-00000007.h5"
            try FileManager.default.copyItem(atPath: old, toPath: path)
            try Samples.damage(path, elements: Samples.checkpoint().slots[0].tensors[0].elements)
            let tensor = #expect(throws: CheckpointError.self) { _ = try CheckpointStore.load(path) }
            #expect(tensor?.isDamage == true)
            #expect(
                tensor?.reason.hasPrefix("tensor 'momentum/conv1.weight' does not match its checksum") == true
            )
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: old, toPath: path)
            let bytes = try Data(contentsOf: URL(filePath: path))
            let place = try #require(bytes.firstRange(of: Data("0123456789abcdef".utf8)))
            try Samples.damage(path, at: place.lowerBound)
            let header = #expect(throws: CheckpointError.self) { _ = try CheckpointStore.load(path) }
            #expect(header?.reason.hasPrefix("header does not match its checksum") == true)
        }
    }

    /// Two wrong bits crash the HDF5 library (1.10.8), so these files must not reach it.
    @Test func noWrongBitsOfVersion1EndTheProgram() throws {
        try withTemporaryFolder { folder in
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: old)))
            let path = "\(folder)/step-00000007.h5"
            var state = UInt64(1)
            func random(_ bound: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % bound
            }
            for _ in 0..<1000 {
                var damaged = bytes
                for _ in 0..<3 { damaged[random(min(bytes.count, 16_384))] ^= UInt8(1 << random(8)) }
                try Data(damaged).write(to: URL(filePath: path))
                do throws(CheckpointError) {
                    _ = try CheckpointStore.load(path)
                } catch {
                    #expect(error.path == path)
                }
            }
        }
    }

    @Test(arguments: [0, -1, 1_000_001, Int.max])
    func aNumberOfClassesThatNoNetworkHasIsRefused(classes: Int) throws {
        try withTemporaryFolder { folder in
            var checkpoint = Samples.checkpoint()
            checkpoint.classes = classes
            let store = CheckpointStore(folder: folder, keep: 1)
            // A file is read back when it is written.
            let error = #expect(throws: CheckpointError.self) { try store.save(checkpoint) }
            #expect(error?.reason.contains("has \(classes) classes, expected 1 to 1000000") == true)
        }
    }

    @Test(arguments: [-1, Int.max, 1 << 49])
    func aPositionThatNoRunHasIsRefused(step: Int) throws {
        try withTemporaryFolder { folder in
            var checkpoint = Samples.checkpoint()
            checkpoint.position.epochSamples = step
            let store = CheckpointStore(folder: folder, keep: 1)
            let error = #expect(throws: CheckpointError.self) { try store.save(checkpoint) }
            #expect(error?.reason.contains("its training position contains an impossible count") == true)
        }
    }

    @Test func aNewFileSaysWhoWroteIt() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            var checkpoint = Samples.checkpoint()
            checkpoint.software = SoftwareRecord(libraries: ["HDF5": "1.10.8"])
            try store.save(checkpoint)
            let newest = try store.newest()?.checkpoint
            #expect(newest?.softwareVersion == softwareVersion)
            #expect(newest?.software == checkpoint.software)
            let file = try HDF5File(opening: store.path(step: 7))
            #expect(try file.attribute("formatVersion") == Int64(2))
            // Other programs read it as plain HDF5.
            let weights: [Float] = try file.read("state/conv1.weight")
            #expect(weights == Samples.checkpoint().state[0].elements)
        }
    }

    @Test func otherSlotsThanMomentumNeedVersion3() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 1)
            var checkpoint = Samples.checkpoint()
            let statistic = try #require(checkpoint.state.first { $0.name == "bn1.running_mean" })
            let average = checkpoint.slots[0].tensors.map {
                Checkpoint.Tensor(name: $0.name, shape: $0.shape, elements: $0.elements.map { 2 * $0 })
            }
            checkpoint.slots = [
                .init(StateSlot(name: "square"), tensors: checkpoint.slots[0].tensors),
                .init(.average, tensors: average + [statistic]),
            ]
            try store.save(checkpoint)
            let found = try #require(try store.newest()?.checkpoint)
            #expect(firstDifference(found.slots, checkpoint.slots) == nil)
            #expect(firstDifference(found.state, checkpoint.state) == nil)
            let file = try HDF5File(opening: store.path(step: 7))
            #expect(try file.attribute("formatVersion") == Int64(3))
            let square: [Float] = try file.read("square/conv1.weight")
            #expect(square == checkpoint.slots[0].tensors[0].elements)
            // The best model has the averages as its weights, and needs no new version.
            try store.saveBest(checkpoint)
            let best = try CheckpointStore.load(store.bestPath)
            #expect(best.slots.isEmpty && best.state[0] == average[0])
            #expect(best.state.count == checkpoint.state.count)
            let bestFile = try HDF5File(opening: store.bestPath)
            #expect(try bestFile.attribute("formatVersion") == Int64(2))
        }
    }

    /// It must not be taken for a damaged file, with an older file used in its place.
    @Test func aNewerVersionIsNoDamage() throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            try store.save(Samples.checkpoint(step: 1))
            try HDF5File.writeAtomically(to: store.path(step: 2)) { file in
                try file.setAttribute("formatVersion", Int64(4))
                for name in ["network", "configuration", "position", "dataFingerprint", "checksum"] {
                    try file.setAttribute(name, "other")
                }
                try file.setAttribute("classes", Int64(10))
            }
            let error = #expect(throws: CheckpointError.self) { _ = try store.newest() }
            #expect(error?.isDamage == false)
            #expect(error?.reason.hasPrefix("format version 4, this program reads 1 to 3") == true)
        }
    }
}
