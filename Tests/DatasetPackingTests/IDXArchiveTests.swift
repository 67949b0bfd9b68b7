import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct IDXArchiveTests {
    @Test(arguments: [false, true])
    func greyBecomesThreeEqualChannels(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let wrap = { (bytes: [UInt8]) in compressed ? gzip(bytes) : bytes }
            let source = try IDXArchive(
                images: write(wrap(idx([2, 3, 2], Array(0..<12))), folder, "images"),
                labels: write(wrap(idx([2], [7, 0])), folder, "labels"))
            let dataset = try pack(source, folder)
            #expect(dataset.label(of: 0) == 7)
            let second = try dataset.image(of: 1)
            #expect(second.width == 2 && second.height == 3)
            #expect(second.bytes == (6..<12).flatMap { [$0, $0, $0] })
        }
    }

    @Test func emnistIsSetUprightAndItsLettersHaveNoNames() throws {
        let source = try IDXArchive(
            images: ReaderSamples.path("emnist-images-idx3-ubyte.gz"),
            labels: ReaderSamples.path("emnist-labels-idx1-ubyte.gz"), transposed: true)
        let all = try records(of: source)
        #expect(checksums(all) == ReaderSamples.all.emnist.checksums)
        #expect(all.map(\.label) == ReaderSamples.all.emnist.labels)
        #expect(source.classNames == [] && source.classCount == 47)
    }

    @Test(arguments: [
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte.gz"),
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
    ])
    func labelsAreFoundBesideTheImages(images: String, labels: String) throws {
        try withTemporaryFolder { folder in
            // The folder's name is not replaced, only the file's.
            let images = try write([0], folder, "images-idx3/\(images)")
            #expect(IDXArchive.labelsBeside(images) == nil)
            let labels = try write([0], folder, "images-idx3/\(labels)")
            #expect(IDXArchive.labelsBeside(images) == labels)
        }
    }

    @Test func aFileThatGoesOnIsReadNoFurther() throws {
        try withTemporaryFolder { folder in
            let images = try write(gzip(idx([2, 1, 1], [1, 2, 3, 4])), folder, "images")
            #expect(
                message { _ = try IDXArchive(images: images, labels: images) }
                    == "could not read IDX file, \(images): its shape is [2, 1, 1], but it holds more bytes")
        }
    }

    /// 153092023 · 92737 · 649657 is 2⁶³ − 1; the product of 4294967295³ overflows.
    @Test(arguments: [
        ([153_092_023, 92_737, 649_657], "but it holds 3 bytes"),
        ([4_294_967_295, 4_294_967_295, 4_294_967_295], "which takes more bytes than a file can have"),
        ([3, 0, 0], "expected lengths of at least 1"),
    ])
    func noShapeEndsTheProgram(shape: [Int], reason: String) throws {
        try withTemporaryFolder { folder in
            let images = try write(idx(shape, [1, 2, 3]), folder, "images")
            let labels = try write(idx([3], [1, 2, 3]), folder, "labels")
            let found = message { _ = try IDXArchive(images: images, labels: labels) }
            #expect(found == "could not read IDX file, \(images): its shape is \(shape), \(reason)")
        }
    }

    @Test func aCutHeaderIsNamed() throws {
        try withTemporaryFolder { folder in
            let images = try write([0, 0, 8, 3, 0, 0], folder, "images")
            #expect(
                message { _ = try IDXArchive(images: images, labels: images) }
                    == "could not read IDX file, \(images): it ends after 6 of the 16 bytes of its header")
        }
    }

    @Test func aFileOfAnotherKindOrSizeIsNamed() throws {
        try withTemporaryFolder { folder in
            let images = try write(idx([2, 1, 1], [1, 2]), folder, "images")
            let labels = try write(idx([2], [0, 1]), folder, "labels")
            let short = try write(idx([2, 2, 2], [1, 2, 3]), folder, "short")
            let three = try write(idx([3], [0, 1, 2]), folder, "three")
            #expect(
                message { _ = try IDXArchive(images: labels, labels: labels) }
                    == "could not read IDX file, \(labels): it starts with the bytes 0 0 8 1, expected 0 0 8 3"
            )
            #expect(
                message { _ = try IDXArchive(images: short, labels: labels) }
                    == "could not read IDX file, \(short): its shape is [2, 2, 2], but it holds 3 bytes")
            #expect(
                message { _ = try IDXArchive(images: images, labels: three) }
                    == "could not read IDX files, \(images): it has 2 images, \(three) has 3 labels")
        }
    }
}
