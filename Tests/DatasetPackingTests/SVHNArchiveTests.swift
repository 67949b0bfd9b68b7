import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct SVHNArchiveTests {
    static let expected = ReaderSamples.all.svhn

    @Test(arguments: [("svhn.mat", 10), ("svhn-plain.mat", 3), ("svhn-one.mat", 1)])
    func imagesAndLabelsAreReadAndTenIsZero(file: String, count: Int) throws {
        let source = try SVHNArchive(ReaderSamples.path(file))
        let all = try records(of: source)
        #expect(source.count == count && all.count == count && source.classCount == 10)
        #expect(all.map(\.label) == Array(Self.expected.labels.prefix(count)))
        #expect(checksums(all) == Array(Self.expected.checksums.prefix(count)))
    }

    @Test func otherFilesAreRefusedWithTheWayOut() throws {
        try withTemporaryFolder { folder in
            let path = try write([UInt8](repeating: 7, count: 200), folder, "x.mat")
            #expect(
                message { _ = try SVHNArchive(path) }
                    == "could not read MATLAB file, \(path): it is not a MATLAB 5 file; "
                    + "save it from MATLAB with '-v7', from SciPy with savemat")
            var header = [UInt8](repeating: 32, count: 200)
            header.replaceSubrange(124..<128, with: [0, 2, UInt8(ascii: "I"), UInt8(ascii: "M")])
            let newer = try write(header, folder, "newer.mat")
            #expect(
                message { _ = try SVHNArchive(newer) }
                    == "could not read MATLAB file, \(newer): it is of version 7.3 (HDF5), expected 5 to 7; "
                    + "save it from MATLAB with '-v7', from SciPy with savemat")
            #expect(
                message { _ = try SVHNArchive(ReaderSamples.path("meta.mat")) }
                    == "could not read SVHN file, \(ReaderSamples.path("meta.mat")): it has no uint8 array 'X'"
            )
        }
    }

    private func little(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// A little-endian data element, padded to eight bytes.
    private func element(_ type: UInt32, _ bytes: [UInt8]) -> [UInt8] {
        [type, UInt32(bytes.count)].flatMap { little(UInt64(truncatingIfNeeded: $0), 4) } + bytes
            + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
    }

    /// A file with one array of the given declared shape.
    private func file(
        kind: UInt8, shape: [UInt8], shapeType: UInt32 = 5, type: UInt32, _ data: [UInt8]
    ) -> [UInt8] {
        let header = Array("MATLAB 5.0 MAT-file".utf8)
        return header + [UInt8](repeating: 32, count: 124 - header.count) + [0, 1] + Array("IM".utf8)
            + element(
                14,
                element(6, [kind, 0, 0, 0, 0, 0, 0, 0]) + element(shapeType, shape)
                    + element(1, [UInt8(ascii: "X")])
                    + (data.isEmpty ? [] : element(type, data)))
    }

    private func lengths(_ values: Int32...) -> [UInt8] {
        values.flatMap { little(UInt64(truncatingIfNeeded: $0), 4) }
    }

    /// Shapes whose element or byte counts overflow `Int`, and more cells than fit into memory.
    @Test func noShapeEndsTheProgram() throws {
        let most = Int32.max
        let long = little(1 << 61, 8)
        let cases: [(bytes: [UInt8], reason: String)] = [
            (
                file(kind: 6, shape: lengths(most, most), type: 9, [UInt8](repeating: 0, count: 8)),
                "'X' has the shape [2147483647, 2147483647] and 8 bytes of double"
            ),
            (
                file(kind: 6, shape: long, shapeType: 12, type: 9, [UInt8](repeating: 0, count: 8)),
                "'X' has the shape [2305843009213693952] and 8 bytes of double"
            ),
            (
                file(kind: 9, shape: lengths(most, most, most, most), type: 2, [0]),
                "'X' has the shape [2147483647, 2147483647, 2147483647, 2147483647]"
            ),
            (
                file(kind: 9, shape: lengths(32, 32, -3, -1), type: 2, [0]),
                "'X' has the shape [32, 32, -3, -1]"
            ),
            (
                file(kind: 1, shape: lengths(most, most), type: 0, []),
                "'X' has 4611686014132420609 elements, expected at most 1048576"
            ),
            (
                file(kind: 2, shape: lengths(most, 1), type: 0, []),
                "'X' has 2147483647 elements, expected at most 1048576"
            ),
        ]
        try withTemporaryFolder { folder in
            for (bytes, reason) in cases {
                let path = try write(bytes, folder, "x.mat")
                #expect(
                    message { _ = try SVHNArchive(path) }
                        == "could not read MATLAB file, \(path), at byte 128: \(reason)")
            }
        }
    }

    @Test(arguments: ["svhn.mat", "svhn-plain.mat", "svhn-one.mat"])
    func everyCutIsAnErrorAndNoFlippedByteACrash(file: String) throws {
        try withTemporaryFolder { folder in
            let bytes = [UInt8](try ByteFile.read(ReaderSamples.path(file)))
            for count in stride(from: 0, to: bytes.count, by: 97) {
                let path = try write(bytes.prefix(count), folder, "cut.mat")
                #expect(throws: DatasetError.self) { try SVHNArchive(path) }
            }
            for index in Array(0..<min(400, bytes.count)) + Array(stride(from: 400, to: bytes.count, by: 53))
            {
                var damaged = bytes
                damaged[index] ^= 0x81
                let path = try write(damaged, folder, "damaged.mat")
                if let source = try? SVHNArchive(path) { _ = try records(of: source) }
            }
        }
    }
}
