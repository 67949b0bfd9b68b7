import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Labels come from the class folders, not from the images found in them.
@Suite(.timeLimit(.minutes(30))) struct ClassFoldersTests {
    private func makeImages(_ folder: String, _ paths: [String]) throws {
        for path in paths { try write(DecodedImages.file("rgb.png"), folder, path) }
    }

    private func makeFolder(_ folder: String, _ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
    }

    @Test func aClassWithoutImagesKeepsItsLabel() throws {
        try withTemporaryFolder { folder in
            try makeImages(folder, ["in/a/1.png", "in/c/1.png"])
            try makeFolder(folder, "in/b")
            try write([1], folder, "in/d/1.tiff")
            let source = try ImageFolder(Folder("\(folder)/in"))
            #expect(source.classNames == ["a", "b", "c", "d"])
            #expect(try records(of: source).map(\.label) == [0, 2])
            #expect(source.notes.last == "classes without an image: 2 of 4 (b, d)")
            let set = try pack(source, folder)
            #expect(set.manifest.classCount == 4)
        }
    }

    @Test func theOnlyClassWithImagesIsOneOfItsNeighbours() throws {
        try withTemporaryFolder { folder in
            try makeImages(folder, ["b/1.png", "b/deep/2.png"])
            for name in ["a", "c"] { try makeFolder(folder, name) }
            let source = try ImageFolder(Folder(folder))
            #expect(source.classNames == ["a", "b", "c"])
            #expect(try records(of: source).map(\.label) == [1, 1])
        }
    }

    @Test func archivesHaveEmptyClassesToo() throws {
        try withTemporaryFolder { folder in
            let image = DecodedImages.file("rgb.png")
            let entries = [
                tarEntry(Array("a/1.png".utf8), image), tarEntry(Array("b/".utf8), type: "5"),
                tarEntry(Array("c/1.png".utf8), image), tarEnd,
            ]
            let source = try ImageFolder(TarArchive(write(entries.flatMap(\.self), folder, "x.tar")))
            #expect(source.classNames == ["a", "b", "c"])
            #expect(try records(of: source).map(\.label) == [0, 2])
        }
    }

    @Test func partsOfASetAreNotItsClasses() throws {
        try withTemporaryFolder { folder in
            try makeImages(folder, ["in/train/a/1.png", "in/val/a/1.png", "in/test/a/1.png"])
            #expect(
                message { _ = try ImageFolder(Folder("\(folder)/in")) }
                    == "could not find the classes, \(folder)/in: its folders are splits of a dataset, not classes: test, train, val; "
                    + "pack each of them separately")
            // Classes may be named train and test.
            try makeImages(folder, ["vehicles/train/1.png", "vehicles/test/1.png"])
            #expect(try ImageFolder(Folder("\(folder)/vehicles")).classNames == ["test", "train"])
        }
    }

    @Test func anOrderGivesTheLabels() throws {
        try withTemporaryFolder { folder in
            try makeImages(folder, (0..<12).map { "in/\($0)/1.png" })
            let tree = try Folder("\(folder)/in")
            #expect(try ImageFolder(tree).classNames.prefix(4) == ["0", "1", "10", "11"])
            let order = try ClassOrder((0..<12).map(String.init), place: "--class-names")
            let source = try ImageFolder(tree, order: order)
            #expect(source.classNames == (0..<12).map(String.init))
            #expect(try records(of: source).map(\.label) == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9])
            let short = try ClassOrder(["0", "1"], place: "--class-names")
            #expect(
                message { _ = try ImageFolder(tree, order: short) }
                    == "could not find the class '10', \(folder)/in: the order of classes (--class-names) has no such name; "
                    + "give the order that belongs to the images: 2 names are in it, 12 classes are here")
        }
    }

    /// For sets such as ImageNet-A and ImageNet-R with 200 of 1,000 classes.
    @Test func someClassesOfAnOrderKeepTheirLabels() throws {
        try withTemporaryFolder { folder in
            try makeImages(folder, ["in/n02/1.png", "in/tiger shark/1.png"])
            let list = try write("n01 tench\nn02 goldfish\nn03\ntiger shark\n".utf8, folder, "synsets.txt")
            let source = try ImageFolder(Folder("\(folder)/in"), order: ClassOrder(list))
            #expect(source.classNames == ["n01", "n02", "n03", "tiger shark"])
            #expect(try records(of: source).map(\.label) == [1, 3])
            #expect(source.notes == ["classes without an image: 2 of 4 (n01, n03)"])
        }
    }

    /// The list has a byte order mark; the archive's folders are compared by their bytes.
    @Test func anOrderGivesTheLabelsOfAnArchiveToo() throws {
        try withTemporaryFolder { folder in
            let image = DecodedImages.file("rgb.png")
            let list = try write(
                "\u{FEFF}n01 tench\nn02\ncaf\u{e9}\ncafe\u{301}\n".utf8, folder, "synsets.txt")
            let names = ["cafe\u{301}/1.png", "caf\u{e9}/1.png", "n01/1.png"]
            let path = try write(tar(names.map { ($0, image) }), folder, "x.tar")
            for tree: any FileTree in [
                try TarArchive(path), try ZipTree(write(zip(names.map { ($0, image) }), folder, "x.zip")),
            ] {
                let source = try ImageFolder(tree, order: ClassOrder(list))
                #expect(source.classNames.map { Array($0.utf8) }.first == Array("n01".utf8))
                #expect(try records(of: source).map(\.label) == [3, 2, 0])
                #expect(source.notes == ["classes without an image: 1 of 4 (n02)"])
            }
        }
    }
}

/// The classes of an order in an empty set.
func classNames(in order: ClassOrder) throws -> [String] {
    try withTemporaryFolder { folder in
        let path = try write(tar([("none.tar", tar([]))]), folder, "x.tar")
        do {
            return try NestedTarArchive(path, order: order).classNames
        }
    }
}
