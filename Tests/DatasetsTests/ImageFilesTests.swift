import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ImageFilesTests {
    private static func write(_ image: RGBImage, to path: String) throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(try image.png()).write(to: URL(filePath: path))
    }

    private static func image(_ value: UInt8) -> RGBImage {
        RGBImage(width: 2, height: 1, bytes: [UInt8](repeating: value, count: 6))
    }

    @Test func filesStayInOrderAndFoldersAreSorted() throws {
        try withTemporaryFolder { folder in
            for (name, value) in [("b.png", 1), ("a/z.PNG", 2), ("a/deep/y.png", 3), ("odd", 4)]
                as [(String, UInt8)]
            {
                try Self.write(Self.image(value), to: "\(folder)/\(name)")
            }
            try Data("notes".utf8).write(to: URL(filePath: "\(folder)/a/notes.txt"))
            // A file named explicitly is accepted with any ending.
            let files = try ImageFiles(["\(folder)/odd", "\(folder)/a/", "\(folder)/b.png"])
            #expect(
                files.paths
                    == ["odd", "a/deep/y.png", "a/z.PNG", "b.png"].map { FilePath("\(folder)/\($0)") })
            #expect(files.notes == ["1 entry passed over: 1 not images (notes.txt)"])
            #expect(try (0..<4).map { try files.image(of: $0) } == [4, 3, 2, 1].map(Self.image))
            #expect(files.label(of: 0) == -1)
        }
    }

    @Test func aFolderWithoutImagesIsRefused() throws {
        try withTemporaryFolder { folder in
            let error = #expect(throws: DatasetError.self) { try ImageFiles([folder]) }
            #expect(error?.place == folder)
        }
    }

    @Test func aLenientSetNotesWhatCannotBeRead() throws {
        try withTemporaryFolder { folder in
            try Self.write(Self.image(9), to: "\(folder)/good.png")
            try Data("no image".utf8).write(to: URL(filePath: "\(folder)/bad.png"))
            let files = try ImageFiles(["\(folder)/good.png", "\(folder)/bad.png", "\(folder)/gone.png"])
            #expect(throws: DatasetError.self) { try files.image(of: 1) }
            let lenient = LenientSource(files)
            #expect(lenient.count == 3)
            #expect(try lenient.image(of: 0) == Self.image(9))
            for record in 1..<3 { #expect(try lenient.image(of: record).bytes == [0, 0, 0]) }
            let failures = lenient.failures
            #expect(failures.keys.sorted() == [1, 2])
            #expect(failures[1]?.description.contains("bad.png") == true)
            #expect(failures[2]?.description.contains("gone.png") == true)
        }
    }

    /// An image is not damaged if it cannot be opened for lack of descriptors.
    @Test func aLenientSetPassesNothingOverForWantOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            try withTemporaryFolder { folder in
                try Self.write(Self.image(9), to: "\(folder)/good.png")
                let lenient = LenientSource(try ImageFiles(["\(folder)/good.png"]))
                useUpDescriptors()
                precondition((try? lenient.image(of: 0)) == nil && lenient.failures.isEmpty)
            }
        }
    }
}
