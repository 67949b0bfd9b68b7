import Foundation
import HDF5
import TestSupport
import Testing

/// Errors for bad input: one clear line and the right exit code, on one rank and on two.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct BadInputTests {
    private func run(_ arguments: [String], ranks: Int) async throws -> Command.Outcome {
        ranks == 1
            ? try await Command(Command.product("t2fnorm"), arguments).run()
            : try await Command.mpirun(ranks: ranks, "t2fnorm", arguments).run()
    }

    /// The program exits with `code` and prints one line of its own that contains all `words`.
    private func expect(
        _ arguments: [String], ranks: Int = 1, code: Int32, says words: [String]
    ) async throws {
        let outcome = try await run(arguments, ranks: ranks)
        #expect(outcome.exitCode == code, "\(arguments): \(outcome.standardError)")
        let lines = outcome.standardError.split(separator: "\n")
        let own = lines.filter { $0.hasPrefix("t2fnorm: ") }
        #expect(own.count == 1, "\(arguments): \(outcome.standardError)")
        // mpirun prints its own lines for a rank's exit code.
        if ranks == 1 { #expect(lines.count == 1, "\(arguments): \(outcome.standardError)") }
        for word in words {
            #expect(own.first?.contains(word) == true, "\(arguments): \(outcome.standardError)")
        }
    }

    private func sets(_ settings: String...) -> [String] { settings.flatMap { ["--set", $0] } }

    private let data = ["--set", "data.train=/nowhere/train", "--set", "data.validation=/nowhere/validation"]

    // MARK: - Command line and configuration

    @Test(arguments: [1, 2]) func aMisspelledOptionIsUsage(ranks: Int) async throws {
        try await expect(
            ["train", "--confg", "x"], ranks: ranks, code: 2, says: ["--confg", "--config", "train --help"])
        try await expect(["evaluate"], ranks: ranks, code: 2, says: ["<runs>", "evaluate --help"])
    }

    @Test(arguments: [1, 2]) func aMissingConfigurationIsNamed(ranks: Int) async throws {
        try await expect(
            ["train", "--config", "/nowhere.yml"], ranks: ranks, code: 2, says: ["/nowhere.yml", "missing"])
    }

    @Test(arguments: [
        ("optimizer.learningRat=1", ["optimizer.learningRat", "did you mean optimizer.learningRate?"]),
        ("training.epochs=many", ["training.epochs", "many", "a whole number"]),
        ("head.temperature=0", ["head.temperature is 0", "above 0"]),
        ("head.temperature=-0.1", ["head.temperature is -0.1", "above 0"]),
        ("training.batch=100", ["training.batch is 100", "a multiple of training.microbatch (32)"]),
        ("batchNorm.group=48", ["batchNorm.group is 48", "a multiple of training.microbatch (32)"]),
        (
            "compute.convolution=winogard",
            [
                "compute.convolution is winogard", "one of shape, autotune, winograd, tiled, library",
                "did you mean winograd?",
            ]
        ),
        ("network.name=resnet21", ["network.name is resnet21", "did you mean resnet20?"]),
    ])
    func aSettingThatCannotBeUsedIsNamed(setting: String, words: [String]) async throws {
        try await expect(["train"] + data + sets(setting), code: 2, says: words)
    }

    @Test func theLineOfASettingIsNamed() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/a.yml"
            try Data("training:\n  epochs: 3\n  batch: many\n".utf8).write(to: URL(filePath: file))
            try await expect(
                ["train", "--config", file] + data, ranks: 2, code: 2,
                says: ["a.yml, line 3: training.batch is many", "expected a whole number"])
        }
    }

    @Test func dataIsVerifiedByOneProcess() async throws {
        try await expect(
            ["data", "verify", "/nowhere"], ranks: 2, code: 2, says: ["'verify'", "without mpirun"])
    }

    @Test func helpTeachesAndSucceeds() async throws {
        let outcome = try await run(["train", "--help"], ranks: 2)
        #expect(outcome.exitCode == 0)
        #expect(outcome.standardOutput.contains("launch/train --ranks-per-host 4"))
    }

    // MARK: - Data

    @Test(arguments: [1, 2]) func aMissingDatasetIsNamed(ranks: Int) async throws {
        try await expect(
            ["train"] + data, ranks: ranks, code: 3, says: ["/nowhere/train", "manifest.json", "data pack"])
    }

    @Test func brokenPackingInputIsNamed() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses(in: "\(folder)/images")
            try Data([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]).write(to: URL(filePath: "\(folder)/images/cat/a.jpg"))
            let pack = ["data", "pack", "\(folder)/images", "--output", "\(folder)/packed"]
            try await expect(pack, code: 3, says: ["decode image", "images/cat/a.jpg"])

            let list = "\(folder)/list.txt"
            let listed = pack + ["--list", list, "--class-count", "10"]
            for (text, words) in [
                ("", ["list.txt", "empty"]),
                ("cat/b.png dog\n", ["list.txt, line 1", "'dog'"]),
                ("cat/b.png 1\ncat/b.png 12\n", ["label 12", "list.txt, line 2", "0 to 9"]),
                ("cat/b.png 1\ncat/c.png 1\n", ["list.txt, line 2", "images/cat/c.png", "no such file"]),
            ] {
                try Data(text.utf8).write(to: URL(filePath: list))
                try await expect(listed, code: 3, says: words)
            }
            try await expect(pack + ["--list", "/nowhere.txt"], code: 3, says: ["/nowhere.txt"])
            try await expect(
                ["data", "pack", "\(folder)/none", "--output", "\(folder)/packed"], code: 3, says: ["/none"])
            try await expect(
                ["data", "pack", "\(folder)/t10k-images-idx3-ubyte", "--output", "\(folder)/packed"], code: 3,
                says: ["t10k-images-idx3-ubyte", "no such file"])
            // No partly packed dataset is left.
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                    "images", "list.txt",
                ])
        }
    }

    @Test func anImageThatIsDamagedInItsShardEndsAllRanks() async throws {
        try await withTemporaryFolder { folder in
            try makeClasses(in: "\(folder)/images")
            for number in 10..<40 {
                try pixel.write(to: URL(filePath: "\(folder)/images/dog/\(number).png"))
            }
            let packed = try await run(
                [
                    "data", "pack", "\(folder)/images", "--output", "\(folder)/packed", "--layout", "encoded",
                ], ranks: 1)
            try #require(packed.exitCode == 0, "\(packed.standardError)")
            let shard = URL(filePath: "\(folder)/packed/shard-00000.h5")
            var bytes = try Data(contentsOf: shard)
            // The last image belongs to the second rank.
            let place = try #require(bytes.range(of: pixel, options: .backwards))
            bytes.replaceSubrange(place.lowerBound..<place.lowerBound + 8, with: Data(count: 8))
            try bytes.write(to: shard)
            let settings = sets(
                "output=\(folder)/runs", "data.train=\(folder)/packed", "data.validation=\(folder)/packed",
                "network.name=resnet20", "training.epochs=1", "training.batch=32", "training.microbatch=16")
            try await expect(
                ["train"] + settings, ranks: 2, code: 3,
                says: ["read record", "shard-00000.h5", "record 31 (dog/b.png)"])
            try await expect(
                ["data", "verify", "\(folder)/packed"], code: 3, says: ["shard-00000.h5", "checksum"])
        }
    }

    @Test(arguments: [1, 2]) func anOutputThatCannotBeWrittenIsNamed(ranks: Int) async throws {
        try await withTemporaryFolder { folder in
            let drawn = try await run(
                ["data", "synthesize", "\(folder)/data", "--train-count", "64", "--other-count", "40"],
                ranks: 1)
            try #require(drawn.exitCode == 0, "\(drawn.standardError)")
            try await expect(
                ["train"]
                    + sets(
                        "output=/proc/runs", "data.train=\(folder)/data/train",
                        "data.validation=\(folder)/data/train", "network.name=resnet20"),
                ranks: ranks, code: 6, says: ["could not write /proc/runs", "no such file or directory"])
        }
    }

    // MARK: - Runs

    @Test(arguments: [1, 2]) func aFolderThatIsNoRunIsNamed(ranks: Int) async throws {
        try await expect(["evaluate", "/nowhere"], ranks: ranks, code: 5, says: ["/nowhere", "config.yml"])
    }

    @Test(arguments: [1, 2])
    func otherNetworksCheckpointsDamagedFilesAndLostNumbersAreNamed(ranks: Int) async throws {
        try await withTemporaryFolder { folder in
            let drawn = try await run(
                ["data", "synthesize", "\(folder)/data", "--train-count", "64", "--other-count", "40"],
                ranks: 1)
            try #require(drawn.exitCode == 0, "\(drawn.standardError)")
            let train =
                ["train"]
                + sets(
                    "output=\(folder)/runs", "data.train=\(folder)/data/train",
                    "data.validation=\(folder)/data/train", "data.test=\(folder)/data/train",
                    "evaluation.near={near-shapes: \(folder)/data/near-shapes}",
                    "training.epochs=1", "training.batch=64", "network.name=resnet20")
            let trained = try await run(train, ranks: ranks)
            try #require(trained.exitCode == 0, "\(trained.standardError)")
            let checkpoints = "\(folder)/runs/run/s0/checkpoints"

            try await expect(
                train + sets("network.name=resnet32"), ranks: ranks, code: 5,
                says: ["step-00000001.h5", "network.name is resnet32, was resnet20", "--resume none"])
            try await expect(
                train + sets("name=other", "network.name=resnet32") + ["--resume", "\(checkpoints)/best.h5"],
                ranks: ranks, code: 5, says: ["best.h5", "network.name is resnet32, was resnet20"])
            let evaluate = ["evaluate", "\(folder)/runs/run"]
            try await expect(
                evaluate + sets("network.name=resnet32"), ranks: ranks, code: 5,
                says: ["best.h5: holds a resnet20", "says a resnet32"])

            try await expect(
                train + sets("compute.convolution=tiled"), ranks: ranks, code: 5,
                says: ["step-00000001.h5", "compute.convolution is tiled, was shape", "--resume none"])
            try await expect(
                evaluate + sets("compute.convolution=tiled"), ranks: ranks, code: 5,
                says: ["best.h5: was trained with compute.convolution shape", "says tiled"])

            try await expect(
                train + sets("name=infinite", "optimizer.learningRate=1e300"), ranks: ranks, code: 4,
                says: ["is not finite after update 1", "lower optimizer.learningRate"])
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs/infinite/s0/checkpoints"))

            // After one such update only the parameters themselves are finite.
            let lost = train + sets("name=lost", "optimizer.learningRate=1e30", "head.name=linear")
            let first = try await run(lost, ranks: ranks)
            #expect(first.exitCode == 0, "\(first.standardError)")
            try await expect(
                ["evaluate", "\(folder)/runs/lost"], ranks: ranks, code: 4, says: ["near-shapes", "NaN"])
            try await expect(
                ["evaluate", "\(folder)/runs/lost", "--score", "mds"], ranks: ranks, code: 4,
                says: ["of the training set have features that are NaN or infinite"])
            try await expect(
                evaluate + ["--score", "react"] + sets("data.validation=\(folder)/data/near-shapes"),
                ranks: ranks, code: 3,
                says: ["of the validation set have labels out of range", "expected 0 to 9"])

            try truncate("\(checkpoints)/best.h5", to: 3000)
            try await expect(
                evaluate, ranks: ranks, code: 5, says: ["best.h5", "truncated", "another checkpoint"])
            try truncate("\(checkpoints)/step-00000001.h5", to: 3000)
            try await expect(
                train, ranks: ranks, code: 5, says: ["step-00000001.h5", "truncated", "--resume none"])

            let shard = "\(folder)/data/train/shard-00000.h5"
            try truncate(shard, to: 4000)
            try await expect(
                train + ["--resume", "none"], ranks: ranks, code: 3,
                says: [shard, "4000 bytes", "copy or pack the dataset again"])
        }
    }

    private func truncate(_ path: String, to count: UInt64) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.truncate(atOffset: count)
        try handle.close()
    }

    /// Two class folders with an image each.
    private func makeClasses(in folder: String) throws {
        for name in ["cat", "dog"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            try pixel.write(to: URL(filePath: "\(folder)/\(name)/b.png"))
        }
    }

    /// A PNG file of one pixel.
    private let pixel = Data(
        base64Encoded: """
            iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
            """)!
}
