import DatasetPacking
import DatasetSamples
import Datasets
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct NumPyImagesTests {
    private let pixels = (0..<24).map { UInt8($0 * 7) }

    @Test(arguments: [1, 2, 3])
    func twoFilesAreImagesAndLabels(version: UInt8) throws {
        try withTemporaryFolder { folder in
            let images = try write(
                npy("|u1", [2, 2, 2, 3], pixels, version: version), folder, "gaussian_noise.npy")
            let labels = try write(
                npy("<i8", [2], [3, 0, 0, 0, 0, 0, 0, 0] + [1] + [UInt8](repeating: 0, count: 7)), folder,
                "labels.npy")
            #expect(NumPyImages.labelsBeside(images) == labels)
            let source = try NumPyImages(images: images, labels: labels)
            #expect(source.recordCount == 2 && source.classCount == 4)
            let dataset = try pack(source, folder)
            #expect(dataset.label(of: 0) == 3 && dataset.label(of: 1) == 1)
            #expect(try dataset.image(of: 1) == RGBImage(width: 2, height: 2, bytes: Array(pixels[12...])))
        }
    }

    @Test(arguments: [[2, 3, 4], [2, 3, 4, 1]])
    func greyBecomesThreeEqualChannels(shape: [Int]) throws {
        try withTemporaryFolder { folder in
            let images = try write(npy("|u1", shape, pixels), folder, "X.npy")
            let labels = try write(npy(">i2", [2, 1], [0, 1, 1, 0]), folder, "y.npy")
            #expect(NumPyImages.labelsBeside(images) == labels)
            let all = try records(of: try NumPyImages(images: images, labels: labels))
            #expect(all.map(\.label) == [1, 256])
            guard case .pixels(let image) = all[1].payload else { return #expect(Bool(false)) }
            #expect(image == RGBImage(width: 4, height: 3, grey: pixels[12...]))
        }
    }

    @Test func labelsOfEveryWholeTypeAreRead() throws {
        try withTemporaryFolder { folder in
            let images = try write(npy("|u1", [2, 1, 1], [8, 9]), folder, "x.npy")
            for (type, bytes) in [
                ("|u1", [2, 1]), ("|i1", [2, 1]), ("|b1", [2, 1]), ("<u2", [2, 0, 1, 0]),
                (">u4", [0, 0, 0, 2, 0, 0, 0, 1]),
                ("<i4", [2, 0, 0, 0, 1, 0, 0, 0]),
                ("<u8", [2] + [UInt8](repeating: 0, count: 7) + [1] + [UInt8](repeating: 0, count: 7)),
            ] as [(String, [UInt8])] {
                let labels = try write(npy(type, [2], bytes), folder, "labels.npy")
                let source = try NumPyImages(images: images, labels: labels)
                #expect(try records(of: source).map(\.label) == [2, 1], "\(type)")
            }
        }
    }

    @Test func otherArraysAreNamedWithARemedy() throws {
        try withTemporaryFolder { folder in
            let good = npy("|u1", [2, 2, 2, 3], pixels)
            for (bytes, words) in [
                (
                    npy("<f4", [1, 1, 2, 3], pixels),
                    "it is float32, expected images of uint8; save x.astype('uint8'), or (x * 255)"
                ),
                (
                    npy("|u1", [2, 3, 2, 2], pixels),
                    "its shape is [2, 3, 2, 2], expected [n, height, width] or"
                ),
                (npy("|u1", [2, 3, 2, 2], pixels), "; channels come last: save x.transpose(0, 2, 3, 1)"),
                (npy("|u1", [2, 1, 3, 4], pixels), "; channels come last"),
                (npy("|u1", [1, 2, 3, 4], pixels), "; leave alpha out: save x[..., :3]"),
                (npy("|u1", [2, 2, 3, 2], pixels), "; images come first: save x.transpose(3, 0, 1, 2)"),
                (npy("|u1", [24], pixels), "its shape is [24], expected"),
                (npy("|u1", [0, 2, 2, 3], []), "its shape is [0, 2, 2, 3], expected"),
                (
                    npy("|u1", [2, 2, 2, 3], pixels, isColumnMajor: true),
                    "it is in Fortran order; save numpy.ascontiguousarray(x)"
                ),
                (npy("|O", [2, 2, 2, 3], pixels), "its elements are Python objects, which are not read"),
                (
                    npy(
                        "V", [2, 2, 2, 3], pixels,
                        header: "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (3,), }"),
                    "its elements are records of several fields"
                ),
                (
                    Array(good.dropLast()),
                    "its shape is [2, 2, 2, 3] of uint8, which takes 152 bytes with the header, but it has 151"
                ),
                (good + [0], "but it has 153"),
                (npy("|u1", [1 << 40, 1 << 40, 3], pixels), "is larger than any memory"),
                (npy("|u1", [.max, 2, 2, 3], pixels), "is larger than any memory"),
                (npy("|u1", [-2, 2, 2, 3], pixels), "its header is not a dictionary"),
                (
                    npy("|u1", [], pixels, header: "{'descr': '|u1', 'shape': (2, 2, 2, 3)}"),
                    "its header is not a dictionary"
                ),
                (npy("|u1", [], pixels, header: "{{{{{{{{"), "its header is not a dictionary"),
                (npy("q9", [2], pixels), "its element type 'q9' is not supported"),
                (npy("|u1", [2, 2, 2, 3], pixels, version: 9), "its version is 9, expected 1 to 3"),
                (Array(good.prefix(30)), "its header has 118 bytes, of which 20 are there"),
                (Array(good.prefix(9)), "it does not start with the signature of an .npy file"),
            ] {
                let path = try write(bytes, folder, "x.npy")
                let found = message { _ = try NumPyImages(images: path, labels: nil) }
                #expect(
                    found.hasPrefix("could not read NumPy file, \(path): ") && found.contains(words),
                    "\(found)")
            }
        }
    }

    @Test func labelsThatDoNotBelongAreNamed() throws {
        try withTemporaryFolder { folder in
            let images = try write(npy("|u1", [2, 1, 1], [8, 9]), folder, "x.npy")
            for (bytes, words) in [
                (npy("|u1", [3], [0, 1, 2]), "its shape is [3], expected 2 labels, one for each image"),
                (npy("|u1", [2, 2], [0, 1, 2, 3]), "its shape is [2, 2], expected 2 labels"),
                (
                    npy("<f8", [2], [UInt8](repeating: 0, count: 16)),
                    "it is float64, expected labels of an integer type"
                ),
                (
                    npy("<i8", [2], [UInt8](repeating: 0, count: 12) + [1, 0, 0, 0]),
                    "label 1 does not fit in 32 bits"
                ),
            ] {
                let labels = try write(bytes, folder, "labels.npy")
                #expect(
                    message { _ = try NumPyImages(images: images, labels: labels) }.contains(words),
                    "\(words)")
            }
        }
    }

    @Test func medMNISTHasParts() throws {
        try withTemporaryFolder { folder in
            let path = try write(
                zip([
                    ("train_images.npy", npy("|u1", [2, 2, 2, 3], pixels)),
                    ("train_labels.npy", npy("|u1", [2, 1], [1, 0])),
                    ("test_images.npy", npy("|u1", [1, 2, 2, 3], Array(pixels[12...]))),
                    ("test_labels.npy", npy("|u1", [1, 1], [2])),
                    ("val_labels.npy", npy("|u1", [1, 1], [2])),
                    ("readme.txt", [1]),
                ]), folder, "pathmnist.npz")
            let archive = try NumPyArchive(path)
            #expect(archive.parts == ["train", "test"])
            let test = try archive.images(of: ["test"], isLabelled: true)
            let dataset = try pack(test, folder)
            #expect(dataset.count == 1 && dataset.label(of: 0) == 2 && test.origin == "\(path), test")
            #expect(try dataset.image(of: 0) == RGBImage(width: 2, height: 2, bytes: Array(pixels[12...])))
            let all = try archive.images(of: archive.parts, isLabelled: true)
            #expect(try records(of: all).map(\.label) == [1, 0, 2])
            #expect(
                message { _ = try archive.images(of: ["val"], isLabelled: true) }
                    == "could not read NumPy archive, \(path): it has no images for 'val'; it has train, test"
            )
        }
    }

    @Test(arguments: [
        ("X", "y"), ("images", "labels"), ("data", "targets"), ("x_train", "y_train"), ("arr_0", "arr_1"),
    ])
    func pairsOfOtherNamesAreKnown(images: String, labels: String) throws {
        try withTemporaryFolder { folder in
            let path = try write(
                zip([
                    ("\(labels).npy", npy("|u1", [2], [1, 0])),
                    ("\(images).npy", npy("|u1", [2, 2, 2, 3], pixels)),
                ]), folder, "a.npz")
            let archive = try NumPyArchive(path)
            let source = try archive.images(of: archive.parts, isLabelled: true)
            #expect(try records(of: source).map(\.label) == [1, 0])
        }
    }

    @Test func anArchiveOfOtherThingsIsNamed() throws {
        try withTemporaryFolder { folder in
            let foreign = try write(zip([("a.npy", npy("|u1", [1], [1]))]), folder, "a.npz")
            #expect(
                message { _ = try NumPyArchive(foreign) }.contains(
                    "there are no images among 'a.npy'; name the arrays"))
            let both = try write(
                zip([("x.npy", npy("|u1", [1], [1])), ("images.npy", npy("|u1", [1], [1]))]), folder, "b.npz")
            #expect(
                message { _ = try NumPyArchive(both) }.contains(
                    "both 'x.npy' and 'images.npy' may be its images"))
            let alone = try write(zip([("x.npy", npy("|u1", [2, 1, 1], [1, 2]))]), folder, "c.npz")
            let archive = try NumPyArchive(alone)
            #expect(
                message { _ = try archive.images(of: [""], isLabelled: true) }.contains(
                    "has no labels beside it"))
            let unlabelled = try archive.images(of: [""], isLabelled: false)
            #expect(try records(of: unlabelled).map(\.label) == [-1, -1])
            let short = try write(
                zip([("x.npy", Array(npy("|u1", [2, 1, 1], [1, 2]).dropLast()))]), folder, "d.npz")
            let cut = try NumPyArchive(short)
            #expect(message { _ = try cut.images(of: [""], isLabelled: false) }.contains("but it has 129"))
        }
    }
}
