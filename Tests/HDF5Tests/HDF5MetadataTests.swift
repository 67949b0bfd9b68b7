import Foundation
import HDF5
import TestSupport
import Testing

/// The memory-safe reader finds the objects written by the C library, and all ranges that it
/// returns lie in the file.
@Suite(.timeLimit(.minutes(30))) struct HDF5MetadataTests {
    private func metadata(_ bytes: [UInt8], path: String = "x.h5") throws -> HDF5Metadata {
        try HDF5Metadata(path: path, byteCount: bytes.count) { offset, count in
            // A read out of bounds would end the test.
            Array(bytes[offset..<offset + count])
        }
    }

    /// Eight bytes in little-endian order.
    private func little(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private func file(_ write: (borrowing HDF5File) throws -> Void) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            try HDF5File.writeAtomically(to: path, write)
            bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        }
        return bytes
    }

    /// Everything that the reader supports, in 150 objects, for which a group's B-tree has two
    /// levels.
    private func everything() throws -> [UInt8] {
        try file { file in
            try file.write([UInt8](0...11), shape: [2, 3, 2], to: "bytes")
            try file.write([Int32.min, -1], to: "labels")
            try file.write([UInt32.max], to: "checksums")
            try file.write([Int64.min], to: "deep/er/steps")
            try file.write([UInt64.max], to: "deep/offsets")
            try file.write([Double.pi], to: "doubles")
            try file.write([Float](), to: "nothing")
            try file.write(["a", "Zürich"], to: "paths")
            for index in 0..<150 { try file.write([Float(index)], to: "model/\(index)") }
            try file.setAttribute("tables", UInt32(7))
            try file.setAttribute("temperature", Float(0.1))
            try file.setAttribute("text", "Straße")
            try file.setAttribute("empty", "")
            try file.setAttribute("index", Int64(-3), on: "model/7")
        }
    }

    private func number<Element: HDF5Element>(
        _ dataset: String, in bytes: [UInt8], as type: Element.Type = Element.self
    ) throws -> Element {
        let offset = try metadata(bytes).contiguousOffset(of: dataset)
        return unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: Element.self)
        }
    }

    @Test func whatTheLibraryWritesIsFound() throws {
        let bytes = try everything()
        let metadata = try metadata(bytes)
        #expect(try metadata.shape(of: "bytes") == [2, 3, 2] && metadata.elementType(of: "bytes") == .uint8)
        #expect(try metadata.shape(of: "nothing") == [0])
        #expect(throws: HDF5Error.self) { try metadata.contiguousOffset(of: "nothing") }
        #expect(try metadata.fixedStringByteCount(of: "paths") == 7)
        #expect(try metadata.elementType(of: "paths") == nil)
        #expect(try number("labels", in: bytes) == Int32.min)
        #expect(try number("checksums", in: bytes) == UInt32.max)
        #expect(try number("deep/er/steps", in: bytes) == Int64.min)
        #expect(try number("/deep/offsets", in: bytes) == UInt64.max)
        #expect(try number("doubles", in: bytes) == Double.pi)
        for index in 0..<150 { #expect(try number("model/\(index)", in: bytes) == Float(index)) }
        #expect(try metadata.memberNames(of: "model") == (0..<150).map { "\($0)" }.sorted())
        #expect(try metadata.memberNames(of: "deep") == ["er", "offsets"])
        #expect(metadata.contains("deep/er") && !metadata.contains("deep/err"))
        #expect(try metadata.attribute("tables") == UInt32(7))
        #expect(try metadata.attribute("temperature") == Float(0.1))
        #expect(try metadata.attribute("index", on: "model/7") == Int64(-3))
        #expect(try metadata.stringAttribute("text") == "Straße")
        #expect(try metadata.stringAttribute("empty") == "")
        #expect(metadata.hasAttribute("text") && !metadata.hasAttribute("text", on: "model/7"))
    }

    @Test func whatIsNotThereIsNamed() throws {
        let metadata = try metadata(try everything(), path: "a.h5")
        let error = #expect(throws: HDF5Error.self) { _ = try metadata.shape(of: "a/y") }
        #expect(error?.description == "could not read shape of 'a/y', a.h5: there is no such dataset")
        let attribute = #expect(throws: HDF5Error.self) { _ = try metadata.attribute("no", as: Float.self) }
        #expect(attribute?.description == "could not read attribute '/@no', a.h5: there is no such attribute")
        let type = #expect(throws: HDF5Error.self) { _ = try metadata.attribute("tables", as: Float.self) }
        #expect(type?.reason == "it is not a single float")
        #expect(throws: HDF5Error.self) { try metadata.memberNames(of: "labels") }
    }

    @Test func aFileOfAnotherKindOrACutOneIsNamed() throws {
        let bytes = try everything()
        let other = #expect(throws: HDF5Error.self) { _ = try metadata(Array("no HDF5 file".utf8)) }
        #expect(other?.reason == "it is not an HDF5 file: its signature is missing")
        #expect(throws: HDF5Error.self) { try metadata([]) }
        for count in [8, 95, 96, 2000, bytes.count - 1] {
            let cut = #expect(throws: HDF5Error.self) { _ = try metadata(Array(bytes.prefix(count))) }
            #expect(cut?.reason.hasSuffix("it is truncated") == true)
        }
        #expect(try metadata(bytes + [1, 2, 3]).contains("labels"))
    }

    /// Every single wrong bit of the headers, and then two to four random ones: the result is an
    /// error or a range in the file.
    @Test func noWrongBitLeadsOutOfTheFile() throws {
        let bytes = try file { file in
            try file.write([UInt8](repeating: 5, count: 24), shape: [2, 2, 2, 3], to: "images")
            try file.write([Int32(1), 2], to: "labels")
            try file.write(["a", "b"], to: "paths")
            try file.setAttribute("tables", UInt32(7))
            try file.setAttribute("text", "text")
        }
        func check(_ damaged: [UInt8]) {
            guard let metadata = try? metadata(damaged) else { return }
            for dataset in ["images", "labels", "paths"] {
                guard let offset = try? metadata.contiguousOffset(of: dataset),
                    let shape = try? metadata.shape(of: dataset)
                else { continue }
                #expect(offset >= 0 && offset + shape.reduce(1, *) <= damaged.count)
            }
            _ = try? metadata.stringAttribute("text")
        }
        for place in bytes.indices where bytes[place] != 0 || place < 2500 {
            for bit in UInt8(0)..<8 {
                var damaged = bytes
                damaged[place] ^= 1 << bit
                check(damaged)
            }
        }
        var state = UInt64(1)
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for round in 0..<20_000 {
            var damaged = bytes
            for _ in 0..<2 + round % 3 {
                // Addresses and lengths are at non-zero bytes or next to them.
                damaged[random(bytes.count)] ^= UInt8(1 << random(8))
            }
            check(damaged)
        }
    }

    @Test func blocksThatGoRoundInACircleEnd() throws {
        let bytes = try everything()
        // The B-tree node of the root's symbol table becomes its own child.
        let tree = try #require(bytes.firstRange(of: Array("TREE".utf8))).lowerBound
        var circle = bytes
        circle[tree + 5] = 1
        for (index, byte) in little(UInt64(tree)).enumerated() {
            circle[tree + 32 + index] = byte
        }
        let error = #expect(throws: HDF5Error.self) { _ = try metadata(circle) }
        #expect(error?.reason == "its blocks form a cycle")
    }

    @Test func numbersThatOverflowAreRefused() throws {
        let bytes = try file { try $0.write([UInt8](0...11), shape: [2, 3, 2], to: "bytes") }
        let shape = [UInt64(2), 3, 2].flatMap(little)
        let place = try #require(bytes.firstRange(of: shape)).lowerBound
        for lengths in [[UInt64(1) << 32, 1 << 32, 1 << 32], [.max, 1, 1], [1 << 62, 2, 2], [0, 0, 0]] {
            var damaged = bytes
            damaged.replaceSubrange(
                place..<place + 24, with: lengths.flatMap(little))
            #expect(throws: HDF5Error.self) { try metadata(damaged) }
        }
    }
}
