import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct ZipTreeTests {
    private let image = DecodedImages.file("rgb.png")

    @Test func classFoldersOfAZipArePacked() throws {
        try withTemporaryFolder { folder in
            let path = try write(
                zip([
                    ("set/b/0.png", image), ("set/a/0.png", image + [1]), ("__MACOSX/a/._0.png", [1]),
                    ("set/readme.txt", [2]),
                ]), folder, "set.zip")
            let source = try ImageFolder(ZipTree(path))
            #expect(source.classNames == ["a", "b"])
            #expect(
                source.notes == [
                    "2 entries passed over: 1 not images (set/readme.txt), 1 hidden (__MACOSX/a/._0.png)"
                ])
            let dataset = try pack(source, folder)
            #expect(dataset.count == 2 && dataset.label(of: 0) == 0 && dataset.label(of: 1) == 1)
            #expect(try dataset.image(of: 1) == RGBImage(decoding: image, place: "x"))
        }
    }

    @Test func aListFindsItsImagesInAZip() throws {
        try withTemporaryFolder { folder in
            let path = try write(zip([("x/1.png", image)]), folder, "set.zip")
            let list = try write("x/1.png 4\nx/2.png 0\n".utf8, folder, "list.txt")
            let all = try records(of: try ImageList(list, images: ZipTree(path)))
            guard case .encoded(let bytes) = all[0].payload, case .missing(let error) = all[1].payload else {
                return #expect(Bool(false))
            }
            #expect(
                bytes == image && error.description.contains("\(path): x/2.png: it is not in the archive"))
        }
    }

    @Test func anEntryThatCannotBeUnpackedIsABadImage() throws {
        try withTemporaryFolder { folder in
            var archive = zip([("a/0.png", image), ("b/1.png", image)])
            let second = try #require(archive.firstRange(of: Array("b/1.png".utf8)))
            archive[second.upperBound + 100] ^= 1
            let path = try write(archive, folder, "set.zip")
            var options = PackingOptions()
            #expect(
                message { _ = try pack(ImageFolder(ZipTree(path)), folder, options: options) }
                    .contains("could not read, \(path): b/1.png: "))
            options.onBad = .skip
            #expect(try pack(ImageFolder(ZipTree(path)), folder, options: options).count == 1)
        }
    }

    @Test func aCutArchiveIsNamed() throws {
        try withTemporaryFolder { folder in
            let archive = zip([("a/0.png", image)])
            let path = try write(archive.prefix(archive.count / 2), folder, "set.zip")
            #expect(message { _ = try ZipTree(path) }.hasPrefix("could not read archive, \(path): "))
        }
    }
}
