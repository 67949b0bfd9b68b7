import Files
import Foundation
import TestSupport
import Testing

/// Files that are written sequentially and read at any offset.
@Suite(.timeLimit(.minutes(30))) struct WholeFileTests {
    @Test func whatIsWrittenIsReadAtAnyPlace() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/numbers"
            // The bytes are more than one call writes.
            let numbers = (0..<5_000_000).map { UInt32($0) }
            let output = try OutputFile(creating: path)
            let span = numbers.span
            try output.write(unsafe span.bytes)
            try output.write([1, 2, 3])
            try output.close()
            let input = try InputFile(opening: path)
            #expect(input.byteCount == 20_000_003)
            var few = [UInt32](repeating: 0, count: 3)
            var place = few.mutableSpan
            try input.read(at: 4 * 4_999_997, into: &place)
            #expect(few == [4_999_997, 4_999_998, 4_999_999])
            input.forgetCached()
            input.readAhead()
            var end = [UInt8](repeating: 0, count: 3)
            var bytes = end.mutableSpan
            try input.read(at: 20_000_000, into: &bytes)
            #expect(end == [1, 2, 3])
            let error = #expect(throws: FileError.self) {
                var more = [UInt8](repeating: 0, count: 4)
                var bytes = more.mutableSpan
                try input.read(at: 20_000_000, into: &bytes)
            }
            #expect(error?.reason == "it ends before byte 20000004")
        }
    }

    @Test func whatCannotBeOpenedIsSaidInTheSystemsWords() {
        let input = #expect(throws: FileError.self) { _ = try InputFile(opening: "/nowhere/file") }
        #expect(input == FileError(path: "/nowhere/file", reason: "no such file or directory"))
        let output = #expect(throws: FileError.self) { _ = try OutputFile(creating: "/proc/nowhere") }
        #expect(output?.path == "/proc/nowhere")
    }

    /// The new file does not replace the old one if the check throws.
    @Test func aCheckSeesTheFileBeforeItTakesItsPlace() throws {
        struct Dislike: Error {}
        try withTemporaryFolder { folder in
            let path = "\(folder)/file"
            try writeFile("old", to: path)
            #expect(throws: Dislike.self) {
                try replaceFile(
                    at: path,
                    check: { temporary in
                        #expect(try String(contentsOfFile: temporary, encoding: .utf8) == "new")
                        throw Dislike()
                    }
                ) { try Data("new".utf8).write(to: URL(filePath: $0)) }
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
        }
    }
}
