import Datasets
import TestSupport
import Testing

@Suite struct SVHNArchiveTests {
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
                    == "could not read MATLAB file, \(path): it is no MATLAB 5 file; "
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
