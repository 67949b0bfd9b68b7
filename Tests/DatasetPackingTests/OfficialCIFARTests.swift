import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct OfficialCIFARTests {
    static let samples = ReaderSamples.all
    static let archives: [(file: String, variant: CIFARArchive.Variant)] =
        [
            ("cifar-10-python", .cifar10), ("cifar-10-binary", .cifar10), ("cifar-100-python", .cifar100),
            ("cifar-100-binary", .cifar100),
        ] + (0...5).map { ("cifar-100-protocol-\($0)", .cifar100) }

    private func expected(_ variant: CIFARArchive.Variant) -> ReaderSamples.CIFAR {
        variant == .cifar10 ? Self.samples.cifar10 : Self.samples.cifar100
    }

    @Test(arguments: archives)
    func anArchiveIsReadInTheOfficialOrder(file: String, variant: CIFARArchive.Variant) throws {
        let path = ReaderSamples.path("\(file).tar.gz")
        let content = expected(variant)
        for (split, parts) in [
            (CIFARArchive.Split.train, [content.train]), (.test, [content.test]),
            (.all, [content.train, content.test]),
        ] {
            let source = try CIFARArchive(archive: path, variant, split)
            let all = try records(of: source)
            #expect(source.count == all.count)
            #expect(all.map(\.label) == parts.flatMap(\.labels))
            #expect(checksums(all) == parts.flatMap(\.checksums))
            if !file.contains("binary") { #expect(all.map(\.path.text) == parts.flatMap { $0.names ?? [] }) }
            if !file.contains("protocol") { #expect(source.classNames == content.classNames) }
        }
    }

    @Test(arguments: archives.prefix(4))
    func anUnpackedFolderGivesTheSame(file: String, variant: CIFARArchive.Variant) throws {
        try withTemporaryFolder { folder in
            let archive = try TarArchive(ReaderSamples.path("\(file).tar.gz"))
            for name in try archive.files() {
                try write(try archive.contents(of: name), folder, "in/\(name)")
            }
            let names = try archive.files()
            let inner = "\(folder)/in/" + (names[0].split(separator: "/").first ?? "")
            for path in ["\(folder)/in", inner] {
                let all = try records(of: CIFARArchive(archive: path, variant, .train))
                #expect(checksums(all) == expected(variant).train.checksums)
            }
            let test = variant == .cifar10 ? "test_batch" : "test"
            let single = try #require(
                names.first { $0.hasSuffix("/\(test)") || $0.hasSuffix("/\(test).bin") })
            let source = try CIFARArchive(["\(folder)/in/\(single)"], variant)
            #expect(checksums(try records(of: source)) == expected(variant).test.checksums)
            #expect(source.classNames == expected(variant).classNames)
        }
    }

    @Test func aMissingBatchAndOneThatIsThereTwiceAreNamed() throws {
        try withTemporaryFolder { folder in
            let archive = try TarArchive(ReaderSamples.path("cifar-10-python.tar.gz"))
            for name in try archive.files() where !name.hasSuffix("data_batch_3") {
                try write(try archive.contents(of: name), folder, name)
            }
            #expect(
                message { _ = try CIFARArchive(archive: folder, .cifar10, .train) }
                    == "could not read cifar10, \(folder): there is no file 'data_batch_3' or 'data_batch_3.bin'; "
                    + "give the official archive, the folder it unpacks to, or the files themselves")
            try write([1], folder, "b/test_batch.bin")
            #expect(
                message { _ = try CIFARArchive(archive: folder, .cifar10, .test) }
                    == "could not read, \(folder): there are both \(folder)/cifar-10-batches-py/test_batch and "
                    + "\(folder)/b/test_batch.bin; give one of the folders")
        }
    }

    @Test func aPickleThatAsksForMoreIsRefusedByName() throws {
        try withTemporaryFolder { folder in
            let path = try write("cos\nsystem\n(S'true'\ntR.".utf8, folder, "test_batch")
            #expect(
                message { _ = try CIFARArchive([path], .cifar10) }
                    == "could not read cifar10 batch, \(path): at byte 11: it asks for os.system, which is not allowed"
            )
        }
    }

    /// The images' bytes would be read as columns.
    @Test func aPickleInFortranOrderIsNamed() throws {
        try withTemporaryFolder { folder in
            var bytes = try TarArchive(ReaderSamples.path("cifar-10-python.tar.gz"))
                .contents(of: "cifar-10-batches-py/test_batch")
            // The array's order is the flag before its bytes.
            let flag = try #require(bytes.firstRange(of: [0x62, 0x89, 0x54])).lowerBound + 1
            bytes[flag] = 0x88
            let path = try write(bytes, folder, "test_batch")
            #expect(
                message { _ = try CIFARArchive([path], .cifar10) }
                    == "could not read cifar10 batch, \(path): 'data' is in Fortran order; save numpy.ascontiguousarray(data)"
            )
        }
    }

    @Test func aCutOffPickleAndOneOfAnotherShapeAreNamed() throws {
        try withTemporaryFolder { folder in
            let archive = try TarArchive(ReaderSamples.path("cifar-10-python.tar.gz"))
            let bytes = try archive.contents(of: "cifar-10-batches-py/test_batch")
            let short = try write(bytes.prefix(4000), folder, "short")
            let found = message { _ = try CIFARArchive([short], .cifar10) }
            #expect(found.hasPrefix("could not read cifar10 batch, \(short): at byte "))
            #expect(found.contains("6144 bytes are announced"))
            let whole = try write(bytes, folder, "whole")
            #expect(
                message { _ = try CIFARArchive([whole], .cifar100) }
                    == "could not read cifar100 batch, \(whole): 'fine_labels' does not hold 2 integers")
        }
    }
}
