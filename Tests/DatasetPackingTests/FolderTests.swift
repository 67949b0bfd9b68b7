import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Real-world folders: links, names of any bytes, and files left by other systems.
@Suite(.timeLimit(.minutes(30))) struct FolderTests {
    private func link(_ folder: String, _ path: String, to target: String) throws {
        let file = URL(filePath: "\(folder)/\(path)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: file.path, withDestinationPath: target)
    }

    private func makeClasses(_ folder: String, _ names: [String]) throws {
        for name in names { try write(DecodedImages.file("rgb.png"), folder, "\(name)/1.png") }
    }

    @Test func linkedFoldersFilesAndRootsAreFollowed() throws {
        try withTemporaryFolder { folder in
            try makeClasses(folder, ["store/a", "store/b", "set/a", "set/c"])
            try link(folder, "set/b", to: "../store/b")
            try link(folder, "set/d/1.png", to: "../../store/a/1.png")
            try link(folder, "root", to: "set")
            let source = try ImageFolder(Folder("\(folder)/root"))
            #expect(source.classNames == ["a", "b", "c", "d"] && source.notes.isEmpty)
            let all = try records(of: source)
            #expect(all.map(\.label) == [0, 1, 2, 3])
            #expect(try pack(source, folder, "packed").count == 4)
            #expect(try ImageFiles(["\(folder)/root"]).count == 4)
        }
    }

    @Test func aLinkBackIsPassedOverAndALinkToNothingIsMissed() throws {
        try withTemporaryFolder { folder in
            try makeClasses(folder, ["a", "b"])
            try link(folder, "a/up", to: "..")
            let source = try ImageFolder(Folder(folder))
            #expect(source.recordCount == 2)
            #expect(source.notes == ["1 entry passed over: 1 linking to a folder that holds them (a/up)"])
            try link(folder, "b/2.png", to: "/nowhere/2.png")
            let found = message { _ = try pack(ImageFolder(Folder(folder)), folder) }
            #expect(
                found.hasPrefix("could not open, \(folder)/b/2.png: no such file or directory"), "\(found)")
        }
    }

    @Test func linksThatMultiplyAreRefused() throws {
        try withTemporaryFolder { folder in
            try makeClasses(folder, ["0"])
            for level in 1...8 {
                try link(folder, "\(level)/x", to: "../\(level - 1)")
                try link(folder, "\(level)/y", to: "../\(level - 1)")
            }
            let found = message { _ = try ImageFolder(Folder(folder)) }
            #expect(found.hasSuffix("links lead to it in more than 64 ways"), "\(found)")
        }
    }

    /// Reading a pipe would block until there is a writer.
    @Test func aPipeIsPassedOverAndRefusedByName() throws {
        try withTemporaryFolder { folder in
            try makeClasses(folder, ["a", "b"])
            let isMade = unsafe mkfifo("\(folder)/a/2.png", 0o600) == 0
            try #require(isMade)
            let source = try ImageFolder(Folder(folder))
            #expect(source.recordCount == 2)
            #expect(source.notes == ["1 entry passed over: 1 neither file nor folder (a/2.png)"])
            let files = try ImageFiles(["\(folder)/a/2.png"])
            #expect(
                message { _ = try files.image(of: 0) }
                    == "could not open, \(folder)/a/2.png: it is not a regular file")
        }
    }

    /// Two names in Latin-1, and one accented letter in both Unicode normal forms.
    @Test func namesAreBytes() throws {
        try withTemporaryFolder { folder in
            let names: [[UInt8]] = [
                Array("e\u{301}".utf8), Array("\u{e9}".utf8), [0x63, 0xE8], [0x63, 0xE9],
            ]
            for name in names {
                let path = FilePath(folder).appending("in").bytes + [0x2F] + name
                try makeFile(path + Array("/1.png".utf8))
            }
            let source = try ImageFolder(Folder("\(folder)/in"))
            #expect(
                source.classNames.map { Array($0.utf8) }
                    == [Array("c\\xE8".utf8), Array("c\\xE9".utf8), names[0], names[1]])
            var options = PackingOptions()
            options.layout = .encoded
            let set = try pack(source, folder, options: options)
            #expect(set.count == 4)
            let stored = (0..<4).map { set.path(of: $0)?.bytes }
            #expect(stored == [names[2], names[3], names[0], names[1]].map { $0 + Array("/1.png".utf8) })
        }
    }

    @Test func whatOtherSystemsLeaveIsCounted() throws {
        try withTemporaryFolder { folder in
            try makeClasses(folder, ["cat", "dog", "__MACOSX/cat", "@eaDir/cat"])
            try write([1], folder, "cat/.DS_Store")
            try write([1], folder, "cat/Thumbs.db")
            let source = try ImageFolder(Folder(folder))
            #expect(source.classNames == ["cat", "dog"])
            let note = source.notes.joined()
            for part in [
                "4 entries passed over:", "1 not images (cat/Thumbs.db)", "1 hidden (cat/.DS_Store)",
                "2 left by other systems",
            ] { #expect(note.contains(part), "\(note)") }
        }
    }
}

/// Makes an image whose path may have any bytes, and its folders.
private func makeFile(_ path: [UInt8]) throws {
    let characters = { (part: ArraySlice<UInt8>) in part.map { CChar(bitPattern: $0) } + [0] }
    for end in path.indices.dropFirst() where path[end] == UInt8(ascii: "/") {
        _ = unsafe mkdir(characters(path[..<end]), 0o700)
    }
    let bytes = DecodedImages.file("rgb.png")
    let descriptor = unsafe open(characters(path[...]), O_WRONLY | O_CREAT, 0o600)
    try #require(unsafe write(descriptor, bytes, bytes.count) == bytes.count)
    close(descriptor)
}
