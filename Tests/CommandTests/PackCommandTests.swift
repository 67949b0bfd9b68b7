import DatasetPacking
import Datasets
import Foundation
import TestSupport
import Testing

/// `data pack` as a user types it.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct PackCommandTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appending(path: "Fixtures").path

    private func pack(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["data", "pack"] + arguments).run()
    }

    @Test(arguments: [
        (["cifar-10-python.tar.gz", "--split", "train"], 10),
        (["cifar-100-binary.tar.gz", "--split", "all"], 7),
        (["svhn.mat", "--ood"], 10), (["emnist-images-idx3-ubyte.gz", "--transpose"], 10),
    ])
    func officialFilesAreKnownByTheirNames(arguments: [String], count: Int) async throws {
        try await withTemporaryFolder { folder in
            let input = ["\(Self.fixtures)/readers/\(arguments[0])"] + arguments.dropFirst()
            let outcome = try await pack(input + ["--output", "\(folder)/set"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(outcome.standardOutput.contains("\(folder)/set: \(count) images"))
        }
    }

    @Test func aCIFARArchiveNeedsItsPart() async throws {
        let outcome = try await pack([
            "\(Self.fixtures)/readers/cifar-10-python.tar.gz", "--output", "/nowhere/x",
        ])
        #expect(outcome.exitCode == 2 && outcome.standardError.contains("--split train, test or all"))
    }

    /// Shards as Python writes them; a shell leaves the range in quotes to the program.
    @Test func aRangeOfShardsIsOneSet() async throws {
        try await withTemporaryFolder { folder in
            let shards = "\(Self.fixtures)/readers/webdataset-{000000..000001}.tar"
            let outcome = try await pack([shards, "--output", "\(folder)/set"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let set = try PackedDataset(path: "\(folder)/set")
            #expect((0..<set.count).map { set.label(of: $0) } == [3, 0, 2, 1, 2])
            #expect(set.manifest.source == shards && set.manifest.classCount == 4)
            let refused = try await pack([shards, "--output", "\(folder)/set", "--labels", "x"])
            #expect(refused.exitCode == 2)
            #expect(
                refused.standardError.contains(
                    "--labels goes with idx, stl10, npy; \(shards) is read as webdataset. See 't2fnorm data pack --help'"
                ),
                "\(refused.standardError)")
        }
    }

    @Test func theHelpListsTheFormats() async throws {
        let help = try await pack(["--help"]).standardOutput
        #expect(help.contains(DatasetFormat.helpLines), "\(help)")
        let names = DatasetFormat.all.map(\.name).joined(separator: ", ")
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("(values: auto, \(names); default: auto)"), "\(help)")
        let unknown = try await pack(["x", "--output", "y", "--format", "tarball"])
        #expect(unknown.exitCode == 2)
        #expect(
            unknown.standardError.contains("'tarball' is invalid for '--format <format>'"),
            "\(unknown.standardError)")
        #expect(unknown.standardError.contains("- auto - folder - tar "), "\(unknown.standardError)")
        #expect(unknown.standardError.contains(" - webdataset. See "), "\(unknown.standardError)")
    }

    @Test func severalFilesAreForSetsThatHaveThem() async throws {
        let outcome = try await pack([Self.fixtures, Self.fixtures, "--output", "/nowhere/x"])
        #expect(outcome.exitCode == 2)
        #expect(
            outcome.standardError.contains(
                "only sets of cifar10, cifar100, webdataset have several files; name one folder or archive"),
            "\(outcome.standardError)")
    }

    /// Makes an image in each class's folder.
    private func makeClasses(_ folder: String, _ names: [String], count: Int = 1) throws {
        let json = try Data(contentsOf: URL(filePath: "\(Self.fixtures)/bad_images.json"))
        let image = try #require(try JSONDecoder().decode(Images.self, from: json).good["rgb.png"]?.file)
        for name in names {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            for number in 0..<count {
                try image.write(to: URL(filePath: "\(folder)/\(name)/\(number).png"))
            }
        }
    }

    /// An option that does not apply to the input is an error, not silently ignored.
    @Test(arguments: [
        (["--transpose"], "--transpose goes with idx"),
        (["--labels", "x"], "--labels goes with"),
        (["--split", "train"], "--split with a part's name goes with cifar10, cifar100"),
        (["--split", "80/0/20"], "'80/0/20' is invalid for '--split"),
        (["--seed", "1"], "--seed goes with --split and shares"),
        (
            ["--list", "a.txt", "--class-order", "b.txt"],
            "--list and --class-order both define the labels"
        ),
        (
            ["--class-names", "a", "b", "--class-order", "c"],
            "--class-order and --class-names both name the classes"
        ),
        (["--class-names", "a", "a"], "--class-names has 'a' twice"),
        (["--ood", "--class-count", "3"], "--class-count has no effect with --ood"),
    ])
    func anOptionThatSaysNothingIsRefused(options: [String], expected: String) async throws {
        try await withTemporaryFolder { folder in
            try makeClasses("\(folder)/in", ["a", "b"])
            let outcome = try await pack(["\(folder)/in", "--output", "\(folder)/set"] + options)
            #expect(outcome.exitCode == 2)
            #expect(outcome.standardError.contains(expected), "\(outcome.standardError)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/set"))
        }
    }

    /// Arrays have their own labels and parts.
    @Test(arguments: [
        ("svhn.mat", ["--list", "x"], "--list goes with folder, tar, zip; "),
        ("svhn.mat", ["--devkit", "x"], "--devkit goes with folder, tar, zip; "),
        ("svhn.mat", ["--class-order", "x"], "--class-order goes with folder, tar, zip, tar-of-tars; "),
        ("svhn.mat", ["--labels", "x"], "--labels goes with idx, stl10, npy; "),
        ("svhn.mat", ["--transpose"], "--transpose goes with idx; "),
        ("svhn.mat", ["--split", "train"], "--split with a part's name goes with cifar10, cifar100, npz; "),
        (
            "emnist-images-idx3-ubyte.gz", ["--split", "80/20"],
            "--split with shares goes with folder, tar, zip; "
        ),
    ])
    func anOptionForFoldersIsRefusedForArrays(file: String, options: [String], expected: String) async throws
    {
        try await withTemporaryFolder { folder in
            let input = "\(Self.fixtures)/readers/\(file)"
            let outcome = try await pack([input, "--output", "\(folder)/set"] + options)
            #expect(outcome.exitCode == 2)
            #expect(
                outcome.standardError.contains(expected + "\(input) is read as "), "\(outcome.standardError)")
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/set"))
        }
    }

    /// ImageNet's validation images, unpacked, with the unpacked devkit.
    @Test func theDevkitGivesTheValidationImagesLabels() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses(folder, ["val"], count: 2)
            let files = FileManager.default
            for number in 0..<2 {
                try files.moveItem(
                    atPath: "\(folder)/val/\(number).png",
                    toPath: "\(folder)/val/ILSVRC2012_val_0000000\(number + 1).JPEG")
            }
            let data = "\(folder)/ILSVRC2012_devkit_t12/data"
            try files.createDirectory(atPath: data, withIntermediateDirectories: true)
            try files.copyItem(atPath: "\(Self.fixtures)/readers/meta.mat", toPath: "\(data)/meta.mat")
            try Data("1\n3\n".utf8).write(
                to: URL(filePath: "\(data)/ILSVRC2012_validation_ground_truth.txt"))
            let outcome = try await pack([
                "\(folder)/val", "--devkit", "\(folder)/ILSVRC2012_devkit_t12", "--output", "\(folder)/set",
            ])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let set = try PackedDataset(path: "\(folder)/set")
            #expect(set.manifest.classNames == ["n01440764", "n02100735", "n02119789"])
            // The devkit's classes 1 and 3 are n02119789 and n02100735.
            #expect((0..<set.count).map { set.label(of: $0) } == [2, 1])
        }
    }

    /// A pipe among the images would wait for a writer.
    @Test func aPipeHoldsUpNothing() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses("\(folder)/in", ["a", "b"])
            let isMade = unsafe mkfifo("\(folder)/in/a/x.jpg", 0o600) == 0
            try #require(isMade)
            let command = Command(
                Command.product("t2fnorm"), ["data", "pack", "\(folder)/in", "--output", "\(folder)/set"],
                timeLimit: .seconds(60))
            let outcome = try await command.run()
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            #expect(
                outcome.standardOutput.contains("1 entry passed over: 1 neither file nor folder (a/x.jpg)"),
                "\(outcome.standardOutput)")
        }
    }

    @Test func anOptionOfASetsOwnIsRefusedForABenchmark() async throws {
        let outcome = try await pack([
            "--openood", "x", "--benchmark", "cifar10", "--output", "y", "--class-names", "a", "b",
        ])
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError.contains("--class-names has no effect with --openood"))
    }

    @Test func namesGiveTheOrderOfFolders() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses("\(folder)/in", ["9", "10", "11"])
            let input = ["\(folder)/in", "--output", "\(folder)/set", "--class-names"]
            let outcome = try await pack(input + ["9", "10", "11"])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let inspected = try await Command(
                Command.product("t2fnorm"), ["data", "inspect", "\(folder)/set"]
            ).run().standardOutput
            for row in [#"0\s+9\s+1\s"#, #"1\s+10\s+1\s"#, #"2\s+11\s+1\s"#] {
                #expect(inspected.range(of: row, options: .regularExpression) != nil, "\(inspected)")
            }
            let other = try await pack(input + ["9", "10", "12"])
            #expect(other.exitCode == 3 && other.standardError.contains("could not find the class '11'"))
        }
    }

    @Test func aFolderIsCutIntoThreeSets() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses("\(folder)/photos", ["a", "b"], count: 20)
            let outcome = try await pack([
                "\(folder)/photos", "--output", "\(folder)/sets", "--split", "80/10/10", "--seed", "7",
            ])
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            for (part, count, each) in [("train", 32, 16), ("validation", 4, 2), ("test", 4, 2)] {
                let row = #"\#(part)\s+\#(count)\s+2\s+\#(each) to \#(each)\s+\#(folder)/sets/\#(part)"#
                #expect(
                    outcome.standardOutput.range(of: row, options: .regularExpression) != nil,
                    "\(outcome.standardOutput)")
                #expect(FileManager.default.fileExists(atPath: "\(folder)/sets/\(part)/manifest.json"))
            }
        }
    }

    @Test func aBenchmarkWithMissingSetsIsCode3UnlessAllowed() async throws {
        try await withTemporaryFolder { folder in
            let files = FileManager.default
            let lists = "\(folder)/root/benchmark_imglist/cifar10"
            let images = "\(folder)/root/images_classic/cifar10/test/cat"
            for path in [lists, images] {
                try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            let json = try Data(contentsOf: URL(filePath: "\(Self.fixtures)/bad_images.json"))
            let fixture = try JSONDecoder().decode(Images.self, from: json)
            try #require(fixture.good["rgb.png"]).file.write(to: URL(filePath: "\(images)/1.png"))
            try Data("cifar10/test/cat/1.png 3\n".utf8).write(to: URL(filePath: "\(lists)/val_cifar10.txt"))
            let arguments = [
                "--openood", "\(folder)/root", "--benchmark", "cifar10", "--sets", "validation", "tin",
                "--output", "\(folder)/out",
            ]
            let outcome = try await pack(arguments)
            #expect(outcome.exitCode == 3)
            let table = outcome.standardOutput
            #expect(
                table.contains("validation: the list is not that of OpenOOD v1.5; the list names 1 images"))
            #expect(table.contains("tin: no list \(lists)/test_tin.txt"))
            #expect(
                outcome.standardError
                    == "t2fnorm: could not pack all of cifar10, \(folder)/root: of 2 sets, validation, tin: missing or short; "
                    + "complete the images and run again, or accept the incomplete sets with --allow-missing\n"
            )
            let allowed = try await pack(arguments + ["--allow-missing"])
            #expect(allowed.exitCode == 0, "\(allowed.standardError)")
            let unknown = try await pack(arguments + ["--sets", "dogs"])
            #expect(unknown.exitCode == 2 && unknown.standardError.contains("cifar10 has no set 'dogs'"))
        }
    }

    @Test func oneBadImageStopsOrIsSkipped() async throws {
        try await withTemporaryFolder { folder in
            let json = try Data(contentsOf: URL(filePath: "\(Self.fixtures)/bad_images.json"))
            let fixture = try JSONDecoder().decode(Images.self, from: json)
            for (path, file) in [
                ("a/1.png", fixture.good["rgb.png"]?.file), ("b/2.jpg", fixture.bad["cut.jpg"]),
            ] {
                let url = URL(filePath: "\(folder)/in/\(path)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try #require(file).write(to: url)
            }
            let arguments = ["\(folder)/in", "--output", "\(folder)/set"]
            let stopped = try await pack(arguments)
            #expect(stopped.exitCode == 3)
            #expect(stopped.standardError.contains("\(folder)/in/b/2.jpg: Premature end of JPEG file"))
            #expect(stopped.standardError.split(separator: "\n").count == 1)
            let skipped = try await pack(arguments + ["--on-bad", "skip"])
            #expect(skipped.exitCode == 0, "\(skipped.standardError)")
            #expect(skipped.standardOutput.contains("note: 1 damaged images left out: see report.csv"))
        }
    }
}

private struct Images: Decodable {
    struct Good: Decodable {
        var file: Data
    }
    var good: [String: Good]
    var bad: [String: Data]
}
