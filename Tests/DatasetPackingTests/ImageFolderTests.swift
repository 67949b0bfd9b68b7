import DatasetPacking
import DatasetSamples
import Datasets
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct ImageFolderTests {
    static let tree = ["root/b/2.JPEG", "root/a/1.jpg", "root/b/deep/3.png", "root/B/4.jpg"].map {
        ($0, imageFile($0))
    }

    @Test func classesAndRecordsFollowTheirNames() throws {
        try withTemporaryFolder { folder in
            for (name, bytes) in Self.tree { try write(bytes, folder, "in/\(name)") }
            try write([1], folder, "in/root/.hidden.jpg")
            try write([1], folder, "in/root/a/._1.jpg")
            try write([1], folder, "in/root/a/notes.txt")
            let source = try ImageFolder(Folder("\(folder)/in"))
            #expect(source.classNames == ["B", "a", "b"])
            #expect(
                source.notes == [
                    "3 entries passed over: 1 not images (root/a/notes.txt), 2 hidden (root/.hidden.jpg)"
                ])
            let all = try records(of: source)
            #expect(
                all.map(\.path) == ["root/B/4.jpg", "root/a/1.jpg", "root/b/2.JPEG", "root/b/deep/3.png"])
            #expect(all.map(\.label) == [0, 1, 2, 2])
        }
    }

    @Test func aFolderAndItsArchivesGiveTheSameDataset() throws {
        try withTemporaryFolder { folder in
            for (name, bytes) in Self.tree { try write(bytes, folder, "in/\(name)") }
            let plain = try write(tar(Self.tree), folder, "x.tar")
            let compressed = try write(gzip(tar(Self.tree.reversed())), folder, "x.tar.gz")
            let trees: [any FileTree] = [
                try Folder("\(folder)/in"), try TarArchive(plain), try TarArchive(compressed),
            ]
            let fingerprints = try trees.enumerated().map { index, tree in
                try pack(ImageFolder(tree), folder, "set\(index)").fingerprint
            }
            #expect(Set(fingerprints).count == 1)
        }
    }

    @Test func imagesBesideTheClassFoldersAreRefusedUnlessOutOfDistribution() throws {
        try withTemporaryFolder { folder in
            try write(imageFile("a.jpg"), folder, "in/a.jpg")
            try write(imageFile("b.jpg"), folder, "in/c/b.jpg")
            let tree = try Folder("\(folder)/in")
            #expect(
                message { _ = try ImageFolder(tree) }
                    == "could not find the class, \(folder)/in/a.jpg: the image lies beside the class folders, not in one; "
                    + "move it, give an image list, or pack the images as out of distribution")
            let labels = try records(of: ImageFolder(tree, outOfDistribution: true)).map(\.label)
            #expect(labels == [-1, -1])
        }
    }

    @Test func noImagesAreAnError() throws {
        try withTemporaryFolder { folder in
            #expect(
                message { _ = try ImageFolder(Folder(folder)) }
                    == "could not read images, \(folder): there is no .jpg, .jpeg, .png or .webp file")
            #expect(
                message { _ = try Folder("\(folder)/none") }
                    == "could not open folder, \(folder)/none: no such file or directory")
        }
    }

    private static func imageFile(_ name: String) -> [UInt8] {
        DecodedImages.file(name.hasSuffix("png") ? "rgb.png" : "rgb 4:2:0.jpg")
    }

    private func imageFile(_ name: String) -> [UInt8] { Self.imageFile(name) }
}
