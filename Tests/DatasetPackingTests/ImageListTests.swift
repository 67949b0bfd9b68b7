import DatasetPacking
import DatasetSamples
import Datasets
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct ImageListTests {
    @Test func blanksDictionariesAndLineEndsAreRead() throws {
        try withTemporaryFolder { folder in
            let text =
                "a/b.png 3\r\n\nc.png -1  \nd.png { \"group_label\": 0 ,\"class_label\": 0 }\ne.png  12"
            let list = try ImageList(
                write(text.utf8, folder, "list.txt"), images: PathsOnly())
            let all = try records(of: list)
            #expect(all.map(\.path) == ["a/b.png", "c.png", "d.png", "e.png"])
            #expect(all.map(\.label) == [3, -1, 0, 12])
            #expect(all[1].place == "\(folder)/list.txt, line 3 (nowhere/c.png)")
        }
    }

    @Test(arguments: [
        (
            "a.png 1\nb.png one\n",
            "could not read image list, LIST, line 2: the label is 'one', expected an integer from -1 up"
        ),
        (
            "a.png 1.5",
            "could not read image list, LIST, line 1: the label is '1.5', expected an integer from -1 up"
        ),
        (
            "a.png -2",
            "could not read image list, LIST, line 1: the label is '-2', expected an integer from -1 up"
        ),
        (
            "a.png 1\n\nb.png\n",
            "could not read image list, LIST, line 3: 'b.png' is not of the form 'path label'"
        ),
        (
            "/a.png 1",
            "could not read image list, LIST, line 1: the path '/a.png' starts with '/', expected one relative to the images"
        ),
        ("\n \n", "could not read image list, LIST: it is empty"),
        (
            "../a.png 1",
            "could not read image list, LIST, line 1: the path '../a.png' leads out of the images' folder"
        ),
        (
            "a.png\u{0} 1",
            "could not read text, LIST: byte 5 is zero, so it is not text; give a text file, saved as UTF-8"
        ),
    ])
    func aBadLineIsNamed(text: String, expected: String) throws {
        try withTemporaryFolder { folder in
            let path = try write(text.utf8, folder, "list.txt")
            let found = message { _ = try ImageList(path, images: PathsOnly()) }
            #expect(found == expected.replacing("LIST", with: path))
        }
    }

    /// Lists may have byte order marks, other line ends, tabs, and paths with `.` and `..`.
    @Test(arguments: [
        "\u{FEFF}a/0.png 4\na/1.png 5\n", "a/0.png 4\ra/1.png 5\r", "a/0.png\t4\na/1.png\t 5",
        "./a/0.png 4\na//b/../1.png 5",
    ])
    func listsOfOtherSystemsAreTheSame(text: String) throws {
        try withTemporaryFolder { folder in
            let list = try ImageList(write(text.utf8, folder, "list.txt"), images: PathsOnly())
            let all = try records(of: list)
            #expect(all.map(\.path) == ["a/0.png", "a/1.png"])
            #expect(all.map(\.label) == [4, 5])
        }
    }

    @Test func aPathMayHaveBlanks() throws {
        try withTemporaryFolder { folder in
            let text = "my dir/img 1.png 2\nmy dir/1 7 3\n"
            let list = try ImageList(write(text.utf8, folder, "list.txt"), images: PathsOnly())
            let all = try records(of: list)
            #expect(all.map(\.path) == ["my dir/img 1.png", "my dir/1 7"])
            #expect(all.map(\.label) == [2, 3])
        }
    }

    /// A path means the same in a list, a folder and an archive, with and without `./`.
    @Test(arguments: ["", "./"], ["", "./"])
    func aPathMeansTheSameEverywhere(ofList: String, ofArchive: String) throws {
        try withTemporaryFolder { folder in
            let image = DecodedImages.file("rgb.png")
            try write(image, folder, "in/a/0.png")
            let list = try write("\(ofList)a/0.png 3\n".utf8, folder, "list.txt")
            let entries = [("\(ofArchive)a/0.png", image)]
            for tree: any FileTree in [
                try Folder("\(folder)/in"), try TarArchive(write(tar(entries), folder, "x.tar")),
                try TarArchive(write(gzip(tar(entries)), folder, "x.tar.gz")),
                try ZipTree(write(zip(entries), folder, "x.zip")),
            ] {
                let all = try records(of: ImageList(list, images: tree))
                #expect(all.map(\.path) == ["a/0.png"] && all.map(\.label) == [3])
                guard case .encoded(let bytes) = all[0].payload else {
                    Issue.record("\(tree.path) has no bytes")
                    continue
                }
                #expect(bytes == image)
            }
        }
    }

    @Test func utf16IsNamed() throws {
        try withTemporaryFolder { folder in
            let path = try write([0xFF, 0xFE, 0x61, 0], folder, "list.txt")
            #expect(
                message { _ = try ImageList(path, images: PathsOnly()) }
                    == "could not read text, \(path): it is UTF-16, expected UTF-8; save it as UTF-8")
        }
    }

    /// A label that is not a class index would make two billion classes.
    @Test func aLabelBeyondAllClassesIsRefused() throws {
        try withTemporaryFolder { folder in
            try write(DecodedImages.file("rgb.png"), folder, "a.png")
            let path = try write("a.png 2000000000\n".utf8, folder, "list.txt")
            #expect(
                message { _ = try pack(ImageList(path, images: Folder(folder)), folder) }
                    == "could not take label 2000000000, \(path), line 1 (\(folder)/a.png): expected -1 to 1048575"
            )
        }
    }

    @Test func aMissingImageIsNamedWithItsLine() throws {
        try withTemporaryFolder { folder in
            try write(DecodedImages.file("rgb.png"), folder, "a.png")
            let path = try write("a.png 0\nb.png 0\n".utf8, folder, "list.txt")
            #expect(
                message { _ = try pack(ImageList(path, images: Folder(folder)), folder) }
                    == "could not read image, \(path), line 2: \(folder)/b.png: no such file or directory; "
                    + "check that the list's paths are relative to \(folder)")
        }
    }

    @Test func aLabelBeyondTheClassesIsNamedWithItsLine() throws {
        try withTemporaryFolder { folder in
            try write(DecodedImages.file("rgb.png"), folder, "a.png")
            let path = try write("a.png 0\na.png 2\n".utf8, folder, "list.txt")
            let list = try ImageList(path, images: Folder(folder), classNames: ["x", "y"])
            #expect(
                message { _ = try pack(list, folder) }
                    == "could not take label 2, \(path), line 2 (\(folder)/a.png): expected 0 to 1")
        }
    }

    @Test func aMissingListIsNamed() {
        #expect(
            message { _ = try ImageList("no/list.txt", images: PathsOnly()) }
                == "could not open, no/list.txt: no such file or directory")
    }
}

/// A tree with any path and empty files.
private struct PathsOnly: FileTree {
    var path: String { "nowhere" }
    func listing() -> FileListing { FileListing(files: []) }
    func contains(_ file: FilePath) -> Bool { true }
    func contents(of file: FilePath) -> [UInt8] { [] }
    func place(of file: FilePath) -> String { "nowhere/\(file.text)" }
}
