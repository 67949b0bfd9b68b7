import Foundation
import HDF5
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct HDF5FileTests {
    @Test func numbersOfEveryTypeComeBack() throws {
        try withTemporaryFile { path in
            try HDF5File.writeAtomically(to: path) { file in
                try file.write([UInt8](0...255), to: "bytes")
                try file.write([Int32.min, -1, .max], to: "labels")
                try file.write([Int64.min, .max], to: "deep/er/steps")
                try file.write([UInt64.max, 0], to: "deep/offsets")
                try file.write([Float.pi, -0.0, .infinity], to: "floats")
                try file.write([Double.pi, .leastNonzeroMagnitude], to: "doubles")
            }
            let file = try HDF5File(opening: path)
            #expect(try file.read("bytes") == [UInt8](0...255))
            #expect(try file.read("labels") == [Int32.min, -1, .max])
            #expect(try file.read("deep/er/steps") == [Int64.min, .max])
            #expect(try file.read("deep/offsets") == [UInt64.max, 0])
            #expect(
                try file.read("floats", as: Float.self).map(\.bitPattern)
                    == [Float.pi, -0.0, .infinity].map(\.bitPattern))
            #expect(try file.read("doubles") == [Double.pi, .leastNonzeroMagnitude])
            #expect(try file.elementType(of: "deep/offsets") == .uint64)
        }
    }

    @Test func rowsAreReadFromTheOutermostAxis() throws {
        try withTemporaryFile { path in
            let values = (0..<5 * 3 * 2).map { Float($0) }
            try HDF5File.writeAtomically(to: path) { try $0.write(values, shape: [5, 3, 2], to: "x") }
            let file = try HDF5File(opening: path)
            #expect(try file.shape(of: "x") == [5, 3, 2])
            #expect(try file.read("x", rows: 1..<3) == Array(values[6..<18]))
            #expect(try file.read("x", rows: 5..<5, as: Float.self) == [])
            #expect(throws: HDF5Error.self) { try file.read("x", rows: 4..<6, as: Float.self) }
        }
    }

    @Test func groupsAreListedByName() throws {
        try withTemporaryFile { path in
            try HDF5File.writeAtomically(to: path) { file in
                try file.write([Float(1)], to: "model/layer1.0.conv1.weight")
                try file.write([Float(1)], to: "model/bn1.bias")
                try file.createGroup("model/a/b")
            }
            let file = try HDF5File(opening: path)
            #expect(try file.memberNames(of: "model") == ["a", "bn1.bias", "layer1.0.conv1.weight"])
            #expect(try file.memberNames() == ["model"])
            #expect(try file.isGroup("model/a/b"))
            #expect(try !file.isGroup("model/bn1.bias"))
            let found = ["model/a", "no/such/thing", "/"].map { file.contains($0) }
            #expect(found == [true, false, true])
        }
    }

    @Test func stringsComeBack() throws {
        let strings = ["", "a", "Zürich/Straße.jpg", "日本"]
        try withTemporaryFile { path in
            try HDF5File.writeAtomically(to: path) { file in
                try file.write(strings, to: "paths")
                try file.write([String](), to: "none")
                #expect(throws: HDF5Error.self) { try file.write(["a\0b"], to: "broken") }
            }
            let file = try HDF5File(opening: path)
            #expect(try file.readStrings("paths") == strings)
            #expect(try file.readStrings("none") == [])
            #expect(try file.fixedStringByteCount(of: "paths") == "Zürich/Straße.jpg".utf8.count)
            #expect(try file.elementType(of: "paths") == nil)
        }
    }

    @Test func attributesComeBack() throws {
        try withTemporaryFile { path in
            let long = String(repeating: "größe: 1\n", count: 3000)
            try HDF5File.writeAtomically(to: path) { file in
                try file.write([Float(0)], to: "w")
                try file.setAttribute("step", Int64(48_000))
                try file.setAttribute("rate", 0.1, on: "w")
                try file.setAttribute("configuration", long)
                try file.setAttribute("empty", "")
            }
            let file = try HDF5File(opening: path)
            #expect(try file.attribute("step") == Int64(48_000))
            #expect(try file.attribute("rate", on: "w") == 0.1)
            #expect(try file.stringAttribute("configuration") == long)
            #expect(try file.stringAttribute("empty") == "")
            let found = ["/", "w"].map { file.hasAttribute("step", on: $0) }
            #expect(found == [true, false])
            #expect(throws: HDF5Error.self) { try file.attribute("step", as: Float.self) }
        }
    }

    @Test func contiguousBytesLieAtTheirOffset() throws {
        try withTemporaryFile { path in
            let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            try HDF5File.writeAtomically(to: path) { file in
                try file.write([Int32](0..<10), to: "labels")
                try file.write(bytes, shape: [10, 10, 10], to: "images")
                try file.write([UInt8](), to: "empty")
            }
            let file = try HDF5File(opening: path)
            let offset = try file.contiguousOffset(of: "images")
            let content = try Data(contentsOf: URL(filePath: path))
            #expect([UInt8](content[offset..<offset + 1000]) == bytes)
            #expect(throws: HDF5Error.self) { try file.contiguousOffset(of: "empty") }
        }
    }

    @Test func theSameContentGivesTheSameBytes() throws {
        try withTemporaryFile { path in
            var contents: [Data] = []
            for _ in 0..<2 {
                try HDF5File.writeAtomically(to: path) { file in
                    try file.write([Float](repeating: 1, count: 100), to: "a/b")
                    try file.setAttribute("step", Int64(1))
                }
                contents.append(try Data(contentsOf: URL(filePath: path)))
            }
            #expect(contents[0] == contents[1])
        }
    }

    @Test func aFileInMemoryIsOneOnTheDiskOnceItsBytesAreThere() throws {
        try withTemporaryFile { path in
            let values = (0..<3_000_000).map { Float($0) }
            var contents: [Data] = []
            for _ in 0..<2 {
                let file = try HDF5File(inMemory: path)
                try file.write(values, shape: [3000, 1000], to: "a/b")
                try file.setAttribute("step", Int64(7), on: "a/b")
                let offset = try file.contiguousOffset(of: "a/b")
                #expect(!FileManager.default.fileExists(atPath: path))
                let bytes = try file.withBytes { bytes in
                    unsafe bytes.withUnsafeBytes { unsafe Data($0) }
                }
                #expect(bytes.count >= offset + 12_000_000)
                contents.append(bytes)
            }
            #expect(contents[0] == contents[1])
            try contents[0].write(to: URL(filePath: path))
            let file = try HDF5File(opening: path)
            let found: [Float] = try file.read("a/b")
            #expect(found == values)
            #expect(try file.attribute("step", on: "a/b") == Int64(7))
        }
    }

    private func withTemporaryFile(_ body: (String) throws -> Void) throws {
        try withTemporaryFolder { try body("\($0)/test.h5") }
    }
}
