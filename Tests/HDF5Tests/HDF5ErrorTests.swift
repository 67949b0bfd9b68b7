import Foundation
import HDF5
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct HDF5ErrorTests {
    @Test func aMissingFileIsNamed() throws {
        let error = #expect(throws: HDF5Error.self) { _ = try HDF5File(opening: "no/such.h5") }
        #expect("\(try #require(error))" == "could not open, no/such.h5: no such file or directory")
    }

    /// Reading and writing in a separate process without free descriptors.
    @Test func withoutADescriptorTheLimitAndTheRemedyAreNamed() async {
        await #expect(processExitsWith: .success) {
            try withTemporaryFolder { folder in
                let path = "\(folder)/x.h5"
                try HDF5File.writeAtomically(to: path) { try $0.write([Float(1)], to: "x") }
                let limit = useUpDescriptors()
                func check(_ action: String, _ call: String, _ body: () throws -> Void) throws {
                    do {
                        try body()
                        preconditionFailure("there was a descriptor left")
                    } catch let error as HDF5Error {
                        let text = "\(error)"
                        precondition(error.isSystemFault, text)
                        precondition(
                            text.hasPrefix("could not \(action), \(folder)/"), text)
                        precondition(
                            text.contains("too many open files: the limit is \(limit) (ulimit -n"), text)
                        precondition(text.hasSuffix("as by 'ulimit -n 4096' (\(call))"), text)
                    }
                }
                try check("open", "H5Fopen") { _ = try HDF5File(opening: path) }
                try check("create", "H5Fcreate") { _ = try HDF5File(creating: "\(folder)/y.h5") }
            }
        }
    }

    /// The library would truncate the string.
    @Test func aStringWithAZeroByteIsRefused() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: HDF5Error.self) {
                try HDF5File.writeAtomically(to: "\(folder)/x.h5") { try $0.setAttribute("a", "b\0c") }
            }
            #expect(error?.reason == "the string holds a zero byte")
        }
    }

    @Test func aFileOfAnotherKindIsRefusedInHDF5sWords() throws {
        try withTemporaryFolder { folder in
            try Data("no HDF5".utf8).write(to: URL(filePath: "\(folder)/x.h5"))
            let error = #expect(throws: HDF5Error.self) { _ = try HDF5File(opening: "\(folder)/x.h5") }
            #expect(try #require(error).reason == "file signature not found (H5Fopen)")
        }
    }

    @Test func aCutOffFileIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            try HDF5File.writeAtomically(to: path) {
                try $0.write([Float](repeating: 1, count: 10_000), to: "x")
            }
            let content = try Data(contentsOf: URL(filePath: path))
            try content.prefix(content.count / 2).write(to: URL(filePath: path))
            let error = #expect(throws: HDF5Error.self) { _ = try HDF5File(opening: path) }
            #expect(try #require(error).reason.hasPrefix("truncated file: eof = "))
        }
    }

    /// The thread that ends the process has not silenced the library, as that setting is per
    /// thread.
    @Test func nothingIsSaidOfADamagedFileWhenTheProcessEnds() async throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "t2fnorm-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: log) }
        await #expect(processExitsWith: .success) { [log = log as String] in
            // An exit test does not observe output written after the body, so it goes to a file.
            unsafe dup2(open(log, O_WRONLY | O_CREAT, 0o600), STDERR_FILENO)
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    openDamagedFile()
                    continuation.resume()
                }
            }
        }
        let text = String(decoding: try Data(contentsOf: URL(filePath: log)), as: UTF8.self)
        #expect(!text.contains("HDF5"), "\(text)")
    }

    @Test func aMissingDatasetAndAWrongTypeAreNamed() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            try HDF5File.writeAtomically(to: path) { try $0.write([Float(1)], to: "a/x") }
            let file = try HDF5File(opening: path)
            let missing = #expect(throws: HDF5Error.self) { try file.read("a/y", as: Float.self) }
            #expect(
                "\(try #require(missing))"
                    == "could not read shape of 'a/y', \(path): there is no such dataset")
            let wrong = #expect(throws: HDF5Error.self) { try file.read("a/x", as: Int32.self) }
            #expect(
                "\(try #require(wrong))"
                    == "could not read 'a/x', \(path): its elements are float, expected int32")
        }
    }

    @Test func aFailedWriteLeavesTheOldFileAndNoOther() throws {
        struct Interruption: Error {}
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            try HDF5File.writeAtomically(to: path) { try $0.write([Float(1)], to: "x") }
            #expect(throws: Interruption.self) {
                try HDF5File.writeAtomically(to: path) { file in
                    try file.write([Float(2)], to: "x")
                    throw Interruption()
                }
            }
            #expect(try HDF5File(opening: path).read("x") == [Float(1)])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x.h5"])
        }
    }

    @Test func aFolderThatIsMissingIsReported() {
        let error = #expect(throws: HDF5Error.self) {
            try HDF5File.writeAtomically(to: "no/such/folder/x.h5") { _ in }
        }
        #expect(error?.description.contains("No such file or directory") == true)
    }

    @Test func manyThreadsMayReadAtOnce() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            let values = (0..<1000).map { Float($0) }
            try HDF5File.writeAtomically(to: path) { try $0.write(values, shape: [100, 10], to: "x") }
            DispatchQueue.concurrentPerform(iterations: 64) { i in
                let row = try? HDF5File(opening: path).read("x", rows: i..<i + 1, as: Float.self)
                #expect(row == Array(values[i * 10..<i * 10 + 10]))
            }
        }
    }
}

/// Opens a file with a wrong bit in the size of the root's object header, which follows the
/// superblock of 96 bytes.
private func openDamagedFile() {
    let error = #expect(throws: HDF5Error.self) {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.h5"
            try HDF5File.writeAtomically(to: path) { try $0.write([Float(1)], to: "x") }
            var content = try Data(contentsOf: URL(filePath: path))
            content[107] ^= 0x80
            try content.write(to: URL(filePath: path))
            _ = try HDF5File(opening: path)
        }
    }
    #expect(error?.action == "open")
}
