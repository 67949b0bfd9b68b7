import Checkpoints
import Foundation
import Networks
import Numerics
import TestSupport
import Testing

/// Single flipped bits and truncations anywhere in a file; `tools/break-checkpoints` tests the
/// same on a larger network.
@Suite(.timeLimit(.minutes(30))) struct DamageTests {
    /// Whether to test ResNet-18 (the long form) instead of a file of some tensors.
    private static let isLong = ProcessInfo.processInfo.environment["T2FNORM_LONG_FAULTS"] != nil

    private func withTwo(_ body: (_ store: CheckpointStore, _ path: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let store = CheckpointStore(folder: folder, keep: 2)
            for step in [10, 20] {
                var checkpoint =
                    Self.isLong
                    ? Samples.checkpoint(of: Samples.classifier(.resnet18At32), step: step)
                    : Samples.checkpoint(step: step)
                if !Self.isLong {
                    checkpoint.state = Array(checkpoint.state.prefix(12))
                    checkpoint.slots[0].tensors = Array(checkpoint.slots[0].tensors.prefix(6))
                }
                try store.save(checkpoint)
            }
            try body(store, store.path(step: 20))
        }
    }

    /// Expects that reading a file finds the damage and names the file.
    private func expectDamage(_ path: String, _ what: @autoclosure () -> String) -> CheckpointError? {
        let error = #expect(throws: CheckpointError.self, "\(what())") { _ = try CheckpointStore.load(path) }
        #expect(error?.isDamage == true && error?.path == path, "\(what()): \(error?.reason ?? "")")
        return error
    }

    @Test func eachOfTwoThousandWrongBitsIsFound() throws {
        try withTwo { store, path in
            var random = RandomStream(seed: 6, purpose: .test, 0)
            let file = try FileHandle(forUpdating: URL(filePath: path))
            let length = Int(try file.seekToEnd())
            var reasons: Set<String> = []
            for number in 0..<2000 {
                let (place, bit) = (random.integer(below: length), UInt8(1) << random.integer(below: 8))
                try flip(bit, at: place, of: file)
                if let error = expectDamage(path, "bit \(bit) of byte \(place)") {
                    reasons.insert(String(error.reason.prefix(6)))
                }
                if number.isMultiple(of: 100) {
                    let newest = try #require(try store.newest())
                    #expect(newest.path == store.path(step: 10) && newest.damaged.map(\.path) == [path])
                }
                try flip(bit, at: place, of: file)
            }
            #expect(reasons.isSuperset(of: ["header", "tensor"]), "\(reasons)")
            _ = try CheckpointStore.load(path)
        }
    }

    private func flip(_ bit: UInt8, at place: Int, of file: FileHandle) throws {
        try file.seek(toOffset: UInt64(place))
        let byte = try #require(try file.read(upToCount: 1)).first!
        try file.seek(toOffset: UInt64(place))
        try file.write(contentsOf: Data([byte ^ bit]))
    }

    @Test func eachOfTwoHundredCutOffFilesIsFound() throws {
        try withTwo { store, path in
            var random = RandomStream(seed: 6, purpose: .test, 1)
            let whole = try Data(contentsOf: URL(filePath: path))
            let cuts = [0, 1, 7, 23, 24, whole.count - 1, whole.count - 24, whole.count - 25]
            for number in 0..<200 {
                let length = number < cuts.count ? cuts[number] : random.integer(below: whole.count)
                try whole.prefix(length).write(to: URL(filePath: path))
                _ = expectDamage(path, "\(length) bytes")
                if number.isMultiple(of: 20) {
                    let newest = try #require(try store.newest())
                    #expect(newest.path == store.path(step: 10) && newest.damaged.map(\.path) == [path])
                }
            }
        }
    }

    @Test func aLongerFileIsDamaged() throws {
        try withTwo { _, path in
            let whole = try Data(contentsOf: URL(filePath: path))
            try (whole + [0]).write(to: URL(filePath: path))
            _ = expectDamage(path, "a byte more")
            // A second seal after the first belongs to another file.
            try (whole + whole.suffix(2000)).write(to: URL(filePath: path))
            _ = expectDamage(path, "a second end")
        }
    }

    @Test func aDamagedFileIsKeptAside() throws {
        try withTwo { store, path in
            for name in ["damaged", "damaged-2"] {
                try Data("cut off".utf8).write(to: URL(filePath: path))
                #expect(CheckpointStore.setAside(path, as: "damaged") == "\(path).\(name)")
            }
            #expect(try store.newest()?.path == store.path(step: 10))
            #expect(CheckpointStore.setAside(path, as: "damaged") == nil)
            #expect(
                try Samples.names(in: store.folder) == [
                    "latest", "step-00000010.h5", "step-00000020.h5.damaged", "step-00000020.h5.damaged-2",
                ])
        }
    }

    @Test func whatIsLaterThanTheStartIsKeptAside() throws {
        try withTwo { store, path in
            #expect(try store.setAside(after: 10) == ["\(path).abandoned"])
            #expect(try store.setAside(after: 10) == [])
            let newest = try #require(try store.newest())
            #expect(newest.path == store.path(step: 10))
        }
    }
}
