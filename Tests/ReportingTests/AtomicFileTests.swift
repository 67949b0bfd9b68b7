import Foundation
import Reporting
import Testing

@Suite struct AtomicFileTests {
    let folder = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString)")

    @Test func replacesTheFileAndLeavesNothingElse() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "deep/table.csv").path
        try writeAtomically("old, and longer than the new one", to: file)
        try writeAtomically("nearood – 92,79\n", to: file)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == "nearood – 92,79\n")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "deep").path)
        #expect(names == ["table.csv"])
    }

    @Test func aFolderInTheWayIsAnErrorAndNothingIsLeft() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let inTheWay = folder.appending(path: "table.csv")
        try FileManager.default.createDirectory(at: inTheWay, withIntermediateDirectories: true)
        let error = #expect(throws: FileError.self) { try writeAtomically("x", to: inTheWay.path) }
        #expect(error?.path == inTheWay.path)
        #expect(error?.reason == "is a directory")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["table.csv"])
    }

    @Test func aFileInThePlaceOfAFolderIsAnError() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try writeAtomically("x", to: folder.path)
        #expect(throws: FileError.self) {
            try writeAtomically("x", to: folder.appending(path: "table.csv").path)
        }
    }
}
