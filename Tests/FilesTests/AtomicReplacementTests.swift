import Files
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct AtomicReplacementTests {
    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    @Test func replacesTheFileAndLeavesNothingElse() throws {
        try withTemporaryFolder { folder in
            let file = "\(folder)/deep/table.csv"
            try writeFile("old, and longer than the new one", to: file)
            try writeFile("nearood – 92,79\n", to: file)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "nearood – 92,79\n")
            #expect(try names(in: "\(folder)/deep") == ["table.csv"])
        }
    }

    @Test func aFolderInTheWayIsAnErrorAndNothingIsLeft() throws {
        try withTemporaryFolder { folder in
            let inTheWay = "\(folder)/table.csv"
            try createFolder(inTheWay)
            let error = #expect(throws: FileError.self) { try writeFile("x", to: inTheWay) }
            #expect(error?.path == inTheWay)
            #expect(error?.reason == "is a directory")
            #expect(try names(in: folder) == ["table.csv"])
        }
    }

    @Test func aFileInThePlaceOfAFolderIsAnError() throws {
        try withTemporaryFolder { folder in
            try writeFile("x", to: "\(folder)/file")
            let error = #expect(throws: FileError.self) { try writeFile("x", to: "\(folder)/file/table.csv") }
            #expect(error?.path == "\(folder)/file")
        }
    }

    @Test func anInterruptedWriteLeavesTheOldFile() throws {
        struct Interruption: Error {}
        try withTemporaryFolder { folder in
            let file = "\(folder)/table.csv"
            try writeFile("old", to: file)
            #expect(throws: Interruption.self) {
                try replaceFile(at: file) { temporary in
                    try Data("ne".utf8).write(to: URL(filePath: temporary))
                    throw Interruption()
                }
            }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "old")
            #expect(try names(in: folder) == ["table.csv"])
        }
    }

    /// Two processes with the same id, in two containers or on two hosts, may write the same file
    /// at the same time.
    @Test func twoWritesAtATimeDoNotMeet() throws {
        try withTemporaryFolder { folder in
            let file = "\(folder)/file"
            try replaceFile(at: file) { first in
                try Data("one".utf8).write(to: URL(filePath: first))
                try replaceFile(at: file) { second in
                    #expect(second != first && second.hasPrefix("\(file)\(partialMark)"))
                    try Data("two".utf8).write(to: URL(filePath: second))
                }
                #expect(try String(contentsOfFile: file, encoding: .utf8) == "two")
                #expect(try String(contentsOfFile: first, encoding: .utf8) == "one")
            }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "one")
            #expect(try names(in: folder) == ["file"])
        }
    }

    @Test func aFolderThatCannotBeMadeIsNamedInTheSystemsWords() {
        let error = #expect(throws: FileError.self) { try createFolder("/proc/nowhere/folder") }
        #expect(error?.path == "/proc/nowhere")
        #expect(error?.reason == "no such file or directory")
    }
}
