import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

/// How inputs and options become a reader, or an error of the command line.
@Suite(.timeLimit(.minutes(30))) struct SourceOptionsTests {
    private static let image = DecodedImages.file("rgb.png")

    private func options(
        _ inputs: [String] = ["x"], _ change: (inout SourceOptions) -> Void = { _ in }
    ) -> SourceOptions {
        var options = SourceOptions(inputs: inputs)
        change(&options)
        return options
    }

    private static let combinations: [(change: @Sendable (inout SourceOptions) -> Void, error: String)] = [
        (
            {
                $0.list = "a"
                $0.classOrder = "b"
            },
            "--list and --class-order both define the labels: leave one out"
        ),
        (
            {
                $0.classOrder = "a"
                $0.classNames = ["b"]
            },
            "--class-order and --class-names both name the classes: leave one out"
        ),
        (
            {
                $0.devkit = "a"
                $0.isOutOfDistribution = true
            },
            "--devkit has no effect with --ood: out-of-distribution images have no class"
        ),
        (
            {
                $0.classCount = 3
                $0.isOutOfDistribution = true
            },
            "--class-count has no effect with --ood: out-of-distribution images have no class"
        ),
        ({ $0.classNames = ["a", "b", "a"] }, "--class-names has 'a' twice"),
        (
            {
                $0.seed = 1
                $0.split = .part("train")
            },
            "--seed goes with --split and shares, such as 80/10/10; --shuffle-seed sets the image order"
        ),
        ({ $0.split = .shares([80, 20]) }, ""),
        (
            {
                $0.devkit = "a"
                $0.split = .shares([80, 20])
            },
            "--split with shares does not go with --devkit: leave one out, or give the labels by --list"
        ),
        (
            {
                $0.list = "a"
                $0.classNames = ["é", "e\u{301}"]
            },
            ""
        ),
    ]

    @Test(arguments: combinations.indices) func optionsThatContradictAreNamed(index: Int) {
        let (change, error) = Self.combinations[index]
        #expect(message { try options(["x"], change).check() } == error)
    }

    @Test func onlySetsOfSeveralFilesTakeThem() throws {
        try withTemporaryFolder { folder in
            let batches = try (1...2).map {
                try write(cifarRecord(labels: [UInt8($0)], seed: $0), folder, "data_batch_\($0).bin")
            }
            try options(batches).check()
            let (format, source) = try options(batches).open()
            #expect(format.name == "cifar10")
            #expect(try records(of: source).map(\.label) == [1, 2])
            #expect(
                message { try options([ReaderSamples.folder, folder]).check() }
                    == "only sets of cifar10, cifar100, webdataset have several files; name one folder or archive"
            )
            // A first file that is missing is named.
            let missing = options(["\(folder)/a-0.tar", "\(folder)/a-1.tar"])
            #expect(message { try missing.check() } == "")
            #expect(
                message { _ = try missing.open() }.contains("\(folder)/a-0.tar"),
                "\(message { _ = try missing.open() })")
            #expect(
                message { _ = try options(batches) { $0.split = .part("train") }.open() }
                    == "--split goes with an official archive or its folder, not with single files")
        }
    }

    @Test func whatAFormatNeedsIsNamed() throws {
        try withTemporaryFolder { folder in
            let archive = ReaderSamples.path("cifar-10-python.tar.gz")
            #expect(
                message { _ = try options([archive]).open() }
                    == "\(archive) holds training and test images: --split train, test or all")
            let images = try write(idx([1, 1, 1], [5]), folder, "digits")
            #expect(
                message { _ = try options([images]).open() } == "an idx set needs its labels: --labels FILE")
            let array = try write(npy("|u1", [1, 1, 1], [5]), folder, "x.npy")
            #expect(
                message { _ = try options([array]).open() }
                    == "\(array) holds no labels: name them with --labels FILE.npy, or pack the images with --ood"
            )
            let arrays = try write(
                zip([
                    ("train_images.npy", npy("|u1", [1, 1, 1], [5])),
                    ("train_labels.npy", npy("|u1", [1], [0])),
                    ("test_images.npy", npy("|u1", [1, 1, 1], [6])),
                    ("test_labels.npy", npy("|u1", [1], [0])),
                ]), folder, "x.npz")
            #expect(
                message { _ = try options([arrays]).open() }
                    == "\(arrays) holds train, test images: choose one of them or all with --split")
            let (format, source) = try options([arrays]) { $0.split = .part("all") }.open()
            #expect(try format.name == "npz" && records(of: source).count == 2)
        }
    }

    /// An image list says what an archive's files are, whatever their names.
    @Test func aListMakesATreeOfImageFiles() throws {
        try withTemporaryFolder { folder in
            let list = try write("7.png 1\n".utf8, folder, "list.txt")
            let shard = try write(tar([("7.png", Self.image), ("7.cls", [0x33])]), folder, "shard.tar")
            let nested = try write(tar([("7.tar", tar([])), ("7.png", Self.image)]), folder, "nested.tar")
            for path in [shard, nested] {
                let (format, source) = try options([path]) { $0.list = list }.open()
                #expect(format.name == "tar")
                #expect(try records(of: source).map(\.label) == [1])
            }
            #expect(try options([shard]).open().format.name == "webdataset")
        }
    }

    @Test func namesOrderTheClassesOrNameThem() throws {
        try withTemporaryFolder { folder in
            for name in ["a", "b"] { try write(Self.image, folder, "in/\(name)/0.png") }
            let ordered = options(["\(folder)/in"]) { $0.classNames = ["b", "a"] }
            let (tree, source) = try ordered.open()
            #expect(source.classNames == ["b", "a"] && ordered.classNames(in: tree) == nil)
            let shard = try write(tar([("7.png", Self.image), ("7.cls", [0x31])]), folder, "shard.tar")
            let named = options([shard]) { $0.classNames = ["b", "a"] }
            let (shards, samples) = try named.open()
            #expect(samples.classNames.isEmpty && named.classNames(in: shards) == ["b", "a"])
        }
    }

    @Test func aSplitHasThePartsOfItsShares() throws {
        try withTemporaryFolder { folder in
            for index in 0..<20 { try write(Self.image, folder, "in/\(index % 2)/\(index).png") }
            let given = options(["\(folder)/in"]) { $0.split = .shares([8, 2]) }
            let parts = try SplitPart.parts(of: given.open().source, given)
            #expect(parts.map(\.name) == ["train", "validation"])
            #expect(parts.map(\.records.recordCount) == [16, 4])
            #expect(parts.map(\.classSizes) == [8...8, 2...2])
            #expect(parts[0].records.origin == "\(folder)/in: train of 8/2, seed 0")
        }
    }

    private static let splits: [(String, SplitChoice?)] = [
        ("train", .part("train")), ("80/20", .shares([80, 20])), ("8/1/1", .shares([8, 1, 1])),
        ("80/0/20", nil), ("1/2/3/4", nil), ("1/1001", nil), ("1/", nil), ("1/x", nil),
        ("1/99999999999999999999", nil),
    ]

    @Test(arguments: splits) func aSplitIsAPartOrShares(text: String, choice: SplitChoice?) {
        #expect(SplitChoice(argument: text) == choice)
    }

    // MARK: - Ranges in braces

    @Test(arguments: [
        ("t-{000008..000011}.tar", ["t-000008.tar", "t-000009.tar", "t-000010.tar", "t-000011.tar"]),
        ("{8..10}", ["8", "9", "10"]), ("{a}/{1..1}{0..1}", ["{a}/10", "{a}/11"]),
        ("a{01..2}", ["a01", "a02"]), ("{{3..4}}", ["{3}", "{4}"]),
        ("a{}b", ["a{}b"]), ("a{1..2", ["a{1..2"]), ("a{1.2}", ["a{1.2}"]), ("a{-1..2}", ["a{-1..2}"]),
        ("a{1...2}", ["a{1...2}"]), ("{1..9999999999999999999}", ["{1..9999999999999999999}"]),
    ])
    func aRangeStandsForItsNumbers(name: String, names: [String]) throws {
        #expect(try SourceOptions(inputs: [name]).files() == names)
    }

    @Test(arguments: [
        ("{0..100000}", "'{0..100000}' stands for more than 100000 files: give a folder, or a smaller range"),
        (
            "{1..400}{1..400}",
            "'{1..400}{1..400}' stands for more than 100000 files: give a folder, or a smaller range"
        ),
        (
            "{0..999999999999999999}{0..999999999999999999}",
            "'{0..999999999999999999}{0..999999999999999999}' stands for more than 100000 files: give a folder, or a smaller range"
        ),
        ("x{3..1}", "the range 3..1 in 'x{3..1}' runs downwards: give the smaller number first"),
    ])
    func aRangeIsBounded(name: String, error: String) throws {
        #expect(message { _ = try SourceOptions(inputs: [name]).files() } == error)
        #expect(message { try SourceOptions(inputs: [name]).check() } == error)
    }

    @Test func aHundredThousandNamesAreExpanded() throws {
        let files = try SourceOptions(inputs: ["{0..99999}"]).files()
        #expect(files.count == 100_000 && files.last == "99999")
    }

    @Test func aFileOfThatNameIsItself() throws {
        try withTemporaryFolder { folder in
            let path = try write(Self.image, folder, "{0..1}.png")
            #expect(try SourceOptions(inputs: [path]).files() == [path])
        }
    }
}
