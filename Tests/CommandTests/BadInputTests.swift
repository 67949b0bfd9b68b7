import Foundation
import TestSupport
import Testing

/// What the program says of bad input: one clear line and the right exit code.
struct BadInputTests {
    private func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), arguments).run()
    }

    private func expect(
        _ arguments: [String], code: Int32, says words: [String]
    ) async throws {
        let outcome = try await run(arguments)
        #expect(outcome.exitCode == code, "\(arguments): \(outcome.standardError)")
        for word in words {
            #expect(outcome.standardError.contains(word), "\(arguments): \(outcome.standardError)")
        }
    }

    private let data = ["--set", "data.train=/nowhere/train", "--set", "data.validation=/nowhere/validation"]

    @Test func aMissingConfigurationIsNamed() async throws {
        try await expect(["train", "--config", "/nowhere.yml"], code: 2, says: ["/nowhere.yml"])
    }

    @Test func aMissingDatasetIsNamed() async throws {
        try await expect(["train"] + data, code: 3, says: ["/nowhere/train"])
    }

    @Test func aMisspelledKeyIsNamedWithTheNearestOne() async throws {
        try await expect(
            ["train", "--set", "optimizer.learningRat=1"] + data, code: 2,
            says: ["optimizer.learningRat", "learningRate"])
    }

    @Test func aWrongTypeIsNamed() async throws {
        try await expect(
            ["train", "--set", "training.epochs=many"] + data, code: 2, says: ["training.epochs", "many"])
    }

    @Test func aTemperatureOfNothingIsRefused() async throws {
        try await expect(
            ["train", "--set", "head.temperature=0"] + data, code: 2, says: ["head.temperature"])
    }

    @Test func aBatchThatIsNoMultipleOfLanesIsRefused() async throws {
        try await expect(["train", "--set", "training.batch=100"] + data, code: 2, says: ["training.batch"])
    }

    @Test func aMisspelledOptionIsUsage() async throws {
        try await expect(["train", "--confg", "x"], code: 2, says: ["--confg"])
    }

    @Test func aFolderThatIsNoRunIsNamed() async throws {
        try await expect(["evaluate", "/nowhere"], code: 5, says: ["/nowhere", "config.yml"])
    }

    @Test func brokenPackingInputIsNamed() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "t2fnorm-bad-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(
            at: folder.appending(path: "images/cat"), withIntermediateDirectories: true)
        let image = folder.appending(path: "images/cat/a.jpg")
        try Data([0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3]).write(to: image)
        let pack = ["data", "pack", folder.path + "/images", "--output", folder.path + "/packed"]
        try await expect(pack, code: 3, says: ["a.jpg"])

        let list = folder.appending(path: "list.txt")
        try Data().write(to: list)
        try await expect(pack + ["--list", list.path], code: 3, says: ["list.txt", "empty"])
        try Data("cat/a.jpg dog\n".utf8).write(to: list)
        try await expect(pack + ["--list", list.path], code: 3, says: ["list.txt, line 1", "dog"])
        try Data("cat/a.jpg 12\n".utf8).write(to: list)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/packed/manifest.json"))
    }

    @Test func helpTeachesAndSucceeds() async throws {
        let outcome = try await run(["train", "--help"])
        #expect(outcome.exitCode == 0)
        #expect(outcome.standardOutput.contains("mpirun -n 4 t2fnorm train"))
    }

    @Test func aTruncatedShardAndAnotherNetworksCheckpointAreNamed() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "t2fnorm-bad-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let drawn = try await run(["data", "synthesize", folder.path + "/data", "--train-count", "64"])
        try #require(drawn.exitCode == 0, "\(drawn.standardError)")
        let arguments =
            ["train"]
            + [
                "output=\(folder.path)/runs", "data.train=\(folder.path)/data/train", "training.epochs=1",
                "data.validation=\(folder.path)/data/train", "training.batch=64",
            ].flatMap { ["--set", $0] }
        let trained = try await run(arguments + ["--set", "network.name=resnet20"])
        #expect(trained.exitCode == 0, "\(trained.standardError)")
        try await expect(
            arguments + ["--set", "network.name=resnet32"], code: 5, says: ["network.name", "resnet20"])

        let shard = folder.path + "/data/train/shard-00000.h5"
        let handle = try FileHandle(forUpdating: URL(filePath: shard))
        try handle.truncate(atOffset: 4000)
        try handle.close()
        try await expect(arguments, code: 3, says: ["shard-00000.h5", "4000"])
    }
}
