import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import SystemPackage
import TestSupport
import Testing

/// Packs the real image sets.
@Suite(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"), .timeLimit(.minutes(30)))
struct SharedDataTests {
    let data = SharedData.path

    @Test func cifar10sTestImagesAreBalanced() throws {
        try withTemporaryFolder { folder in
            let images = try TarArchive("\(data)/cifar10/cifar10-jpeg-test.tar.gz")
            let dataset = try pack(ImageFolder(images), folder)
            #expect(dataset.count == 10_000)
            #expect(dataset.manifest.layout == .pixels(height: 32, width: 32, channels: 3))
            #expect(
                dataset.manifest.classNames.first == "airplane" && dataset.manifest.classNames.last == "truck"
            )
            let perClass = Dictionary(grouping: 0..<dataset.count) { dataset.label(of: $0) }.mapValues(
                \.count)
            #expect(perClass == Dictionary(uniqueKeysWithValues: (0..<10).map { ($0, 1000) }))
            let first = try #require(DecodedImages.all.shared.first)
            #expect(CRC64(try dataset.image(of: 0).bytes).hexadecimal == first.checksum)
        }
    }

    @Test func cifar10sListsAreFoundInTheArchive() throws {
        try withTemporaryFolder { folder in
            let images = try TarArchive("\(data)/cifar10/cifar10-jpeg-test.tar.gz")
            for (name, count) in [("val_cifar10", 1000), ("test_cifar10", 9000)] {
                let list = try ImageList("\(data)/imglist/local/\(name).txt", images: images)
                let dataset = try pack(list, folder, name)
                #expect(dataset.count == count && dataset.manifest.classCount == 10)
            }
        }
    }

    @Test func cutOffCIFARFilesGiveTheirCompleteRecords() throws {
        try withTemporaryFolder { folder in
            let binary = "\(data)/cifar10/cifar-10-batches-bin-partial"
            let test = try pack(CIFARArchive(["\(binary)/test_batch.bin"], .cifar10), folder, "test")
            #expect(test.count == 1017)
            #expect(test.manifest.classNames.count == 10)
            let train = try CIFARArchive((1...5).map { "\(binary)/data_batch_\($0).bin" }, .cifar10)
            #expect(train.count == 8336)
            let hundred = try CIFARArchive(["\(data)/cifar100/cifar-100-binary-partial/test.bin"], .cifar100)
            #expect(hundred.count == 500 && hundred.classNames.first == "apple")
        }
    }

    @Test func cifar100sBinaryAndPNGImagesAreTheSame() throws {
        try withTemporaryFolder { folder in
            let binary = try pack(
                CIFARArchive(["\(data)/cifar100/cifar-100-binary-partial/test.bin"], .cifar100), folder,
                "binary")
            let images = try TarArchive("\(data)/cifar100/cifar100-test-png.tar.gz")
            let files = try pack(ImageFolder(images), folder, "files")
            let pixels = { (dataset: PackedDataset) in
                Set(try (0..<dataset.count).map { CRC64(try dataset.image(of: $0).bytes).value })
            }
            #expect(try pixels(binary) == pixels(files))
        }
    }

    @Test func mnistIsRead() throws {
        try withTemporaryFolder { folder in
            let source = try IDXArchive(
                images: "\(data)/mnist/t10k-images-idx3-ubyte.gz",
                labels: "\(data)/mnist/t10k-labels-idx1-ubyte.gz")
            let dataset = try pack(source, folder)
            #expect(dataset.count == 10_000)
            #expect((0..<5).map { dataset.label(of: $0) } == [7, 2, 1, 0, 4])
            let image = try dataset.image(of: 0)
            #expect(image.width == 28 && image.height == 28)
            #expect(image.bytes.reduce(0) { $0 + Int($1) } == 3 * 18_454)
        }
    }

    @Test func svhnsMATLABFileAndItsPNGImagesAreTheSame() throws {
        try withTemporaryFolder { folder in
            let matrix = try pack(SVHNArchive("\(data)/svhn/train_32x32_first600.mat"), folder, "matrix")
            #expect(matrix.count == 600)
            let images = try ImageFolder(
                TarArchive("\(data)/svhn/svhn-train-first600-png.tar.gz"), outOfDistribution: true)
            // IIIIII_D.png, in the order of the file.
            let names = try records(of: images).map(\.path.text)
            let digits = names.compactMap { $0.split(separator: "_").last?.first?.wholeNumberValue }
            #expect((0..<600).map { Int(matrix.label(of: $0)) } == digits)
            var options = PackingOptions()
            options.outOfDistribution = true
            let files = try pack(images, folder, "files", options: options)
            for record in 0..<600 { #expect(try matrix.image(of: record) == files.image(of: record)) }
        }
    }

    @Test(arguments: [
        ("svhn/svhn-train-first600-png.tar.gz", "test_svhn_train600", 600, false),
        ("tin/tiny-imagenet-200-val.tar.gz", "test_tin", 7793, false),
        ("texture/dtd-sample-600.tar", "test_texture", 600, true),
        ("scenes/intel-scenes-test-1080.tar.gz", "test_scenes", 1080, true),
        ("cifar100/cifar100-test-png.tar.gz", "test_cifar100", 455, false),
    ])
    func outOfDistributionListsArePacked(archive: String, list: String, count: Int, isEncoded: Bool) throws {
        try withTemporaryFolder { folder in
            let source = try ImageList(
                "\(data)/imglist/local/\(list).txt", images: TarArchive("\(data)/\(archive)"))
            var options = PackingOptions()
            options.outOfDistribution = true
            let dataset = try pack(source, folder, list, options: options)
            #expect(dataset.count == count)
            #expect((dataset.manifest.layout == .encoded) == isEncoded)
            #expect((0..<count).allSatisfy { dataset.label(of: $0) == -1 })
            let image = try dataset.image(of: count - 1)
            #expect(image.bytes.count == image.width * image.height * 3)
            try dataset.verify()
        }
    }
}
