import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct STLArchiveTests {
    /// Two images of 2×2 pixels: the planes red, green and blue, each column by column.
    private static let planes: [UInt8] = [
        1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24,
        5, 6, 7, 8, 15, 16, 17, 18, 25, 26, 27, 28,
    ]

    private func archive(_ images: [UInt8], _ labels: [UInt8], in folder: String) throws -> STLArchive {
        try STLArchive(
            images: write(images, folder, "train_X.bin"), labels: write(labels, folder, "train_y.bin"),
            side: 2)
    }

    @Test func columnsBecomeRowsAndPlanesPixels() throws {
        try withTemporaryFolder { folder in
            let dataset = try pack(try archive(Self.planes, [10, 1], in: folder), folder)
            #expect(dataset.label(of: 0) == 9 && dataset.label(of: 1) == 0)
            #expect(try dataset.image(of: 0).bytes == [1, 11, 21, 3, 13, 23, 2, 12, 22, 4, 14, 24])
            #expect(try dataset.image(of: 1).bytes == [5, 15, 25, 7, 17, 27, 6, 16, 26, 8, 18, 28])
        }
    }

    @Test func labelsAreFoundBesideTheImages() throws {
        try withTemporaryFolder { folder in
            let images = try write([0], folder, "test_X.bin")
            #expect(STLArchive.labelsBeside(images) == nil)
            let labels = try write([1], folder, "test_y.bin")
            #expect(STLArchive.labelsBeside(images) == labels)
            #expect(STLArchive.labelsBeside(labels) == nil)
        }
    }

    @Test func anImageOf96PixelsIsRead() throws {
        try withTemporaryFolder { folder in
            let images = try write([UInt8](repeating: 7, count: 27_648), folder, "test_X.bin")
            let labels = try write([3], folder, "test_y.bin")
            let record = try STLArchive(images: images, labels: labels).record(0)
            #expect(record.label == 2 && record.place.hasSuffix("test_X.bin, image 0"))
        }
    }

    @Test(
        arguments: [
            (
                [UInt8](planes.dropLast()), [1, 2],
                "it has 23 bytes, expected a multiple of 12, the bytes of an image"
            ),
            ([], [], "it has 0 bytes, expected a multiple of 12, the bytes of an image"),
            (planes, [1], "it has 2 images, "), (planes, [1, 11], "label 1 is 11, expected 1 to 10"),
            (planes, [0, 1], "label 0 is 0, expected 1 to 10"),
        ] as [([UInt8], [UInt8], String)])
    func filesThatCannotBeAreRefused(images: [UInt8], labels: [UInt8], reason: String) throws {
        try withTemporaryFolder { folder in
            let found = message { _ = try archive(images, labels, in: folder) }
            #expect(
                found.hasPrefix("could not read STL-10 files, ") && found.contains(": \(reason)"), "\(found)")
        }
    }
}
