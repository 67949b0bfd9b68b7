import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct NestedTarArchiveTests {
    /// Three classes out of order, with two, one and three images.
    static let classes: [(name: String, count: Int)] = [("n02", 2), ("n01", 1), ("n03", 3)]

    private func archive(compressed: Bool = false, innerCompressed: Bool = false) -> [UInt8] {
        let inner = Self.classes.map { name, count in
            let files = (0..<count).map { index in
                (
                    "\(name)_\(index).JPEG",
                    DecodedImages.file("rgb 4:2:0.jpg") + [UInt8(index), UInt8(name.utf8.last ?? 0)]
                )
            }
            let bytes = tar(files)
            return (name: "\(name).tar", bytes: innerCompressed ? gzip(bytes) : bytes)
        }
        let outer = tar(inner)
        return compressed ? gzip(outer) : outer
    }

    @Test(arguments: [(false, false), (true, false), (false, true)])
    func classesAreSortedAndImagesComeAsTheyLie(compressed: Bool, innerCompressed: Bool) throws {
        try withTemporaryFolder { folder in
            let path = try write(
                archive(compressed: compressed, innerCompressed: innerCompressed), folder, "x.tar")
            #expect(try NestedTarArchive.isNested(path))
            let source = try NestedTarArchive(path)
            #expect(source.classNames == ["n01", "n02", "n03"])
            let all = try records(of: source)
            #expect(
                all.map(\.path) == [
                    "n02/n02_0.JPEG", "n02/n02_1.JPEG", "n01/n01_0.JPEG", "n03/n03_0.JPEG", "n03/n03_1.JPEG",
                    "n03/n03_2.JPEG",
                ])
            #expect(all.map(\.label) == [1, 1, 0, 2, 2, 2])
            #expect(all[1].place.hasPrefix("\(path), at byte 0: n02.tar, at byte "))
            let dataset = try pack(NestedTarArchive(path), folder)
            #expect(
                dataset.count == 6 && dataset.manifest.notes == ["5 duplicate images: see report.csv"])
        }
    }

    @Test func theOrderOfAListOrOfTheDevkitIsTaken() throws {
        try withTemporaryFolder { folder in
            let path = try write(archive(), folder, "x.tar")
            let list = try write(
                "n03 tench, Tinca tinca\nn01\n\nn02\r\nn09 more\n".utf8, folder, "synsets.txt")
            let source = try NestedTarArchive(path, order: ClassOrder(list))
            #expect(try records(of: source).map(\.label) == [2, 2, 1, 0, 0, 0])
            #expect(source.notes == ["classes without an image: 1 of 4 (n09)"])
            let devkit = ["n02119789", "n01440764", "n02100735"]
            #expect(try classNames(in: ClassOrder(ReaderSamples.path("meta.mat"))) == devkit)
            let meta = try [UInt8](ByteFile.read(ReaderSamples.path("meta.mat")))
            let kit = try write(
                gzip(tar([("ILSVRC2012_devkit_t12/data/meta.mat", meta)])), folder, "kit.tar.gz")
            #expect(try classNames(in: ClassOrder(kit)) == devkit)
        }
    }

    @Test func aClassWithoutALabelAndBadOrdersAreNamed() throws {
        try withTemporaryFolder { folder in
            let path = try write(archive(), folder, "x.tar")
            let list = try write("n02\nn03\n".utf8, folder, "synsets.txt")
            let found = message { _ = try records(of: NestedTarArchive(path, order: ClassOrder(list))) }
            #expect(found.hasPrefix("could not find the class 'n01', \(path), at byte "))
            #expect(
                found.hasSuffix(
                    "the order of classes has no such name; give the order that belongs to the archive"))
            let twice = try write("a\nb\na\n".utf8, folder, "twice.txt")
            #expect(
                message { _ = try ClassOrder(twice) }
                    == "could not read class order, \(twice): 'a' occurs twice")
            let plain = try write(tar([("a/1.jpg", [1])]), folder, "plain.tar")
            #expect(try !NestedTarArchive.isNested(plain))
            #expect(
                message { _ = try NestedTarArchive(plain) }
                    == "could not read archive, \(plain): there is no .tar file in it")
        }
    }

    @Test func aCutOffArchiveIsAnErrorAndADamagedImageHasItsPlace() throws {
        try withTemporaryFolder { folder in
            let bytes = archive()
            for count in [bytes.count / 2, bytes.count - 3000] {
                let path = try write(bytes.prefix(count), folder, "cut.tar")
                let found = message { _ = try records(of: NestedTarArchive(path)) }
                #expect(found.hasPrefix("could not read") && found.contains(path), "\(found)")
            }
            let inner = tar([
                ("a_1.JPEG", DecodedImages.file("rgb.png")), ("a_2.JPEG", BadImages.bad("cut.jpg")),
            ])
            let path = try write(tar([("a.tar", inner)]), folder, "bad.tar")
            let found = message { _ = try pack(NestedTarArchive(path), folder) }
            let offset = 512 + (DecodedImages.file("rgb.png").count + 511) / 512 * 512
            #expect(
                found.hasPrefix(
                    "could not decode image, \(path), at byte 0: a.tar, at byte \(offset): a_2.JPEG: Premature end"
                ), "\(found)")
            var options = PackingOptions()
            options.onBad = .skip
            let dataset = try pack(NestedTarArchive(path), folder, options: options)
            #expect(dataset.count == 1 && dataset.manifest.notes.count == 2)
        }
    }
}
