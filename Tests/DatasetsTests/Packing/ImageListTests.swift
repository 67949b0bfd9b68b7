import Datasets
import TestSupport
import Testing

@Suite struct ImageListTests {
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
        ("a.png 1\n\nb.png\n", "could not read image list, LIST, line 3: 'b.png' is no 'path label'"),
        (
            "/a.png 1",
            "could not read image list, LIST, line 1: the path '/a.png' starts with '/', expected one relative to the images"
        ),
        ("\n \n", "could not read image list, LIST: it is empty"),
    ])
    func aBadLineIsNamed(text: String, expected: String) throws {
        try withTemporaryFolder { folder in
            let path = try write(text.utf8, folder, "list.txt")
            let found = message { _ = try ImageList(path, images: PathsOnly()) }
            #expect(found == expected.replacing("LIST", with: path))
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

/// Images of no content.
private struct PathsOnly: FileTree {
    var path: String { "nowhere" }
    func files() -> [String] { [] }
    func contains(_ file: String) -> Bool { true }
    func contents(of file: String) -> [UInt8] { [] }
    func place(of file: String) -> String { "nowhere/\(file)" }
}
