import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Synthesis
import TestSupport
import Testing

/// A synthetic benchmark with a few images per set, a run trained on it for one epoch, and the
/// program.
struct SmallBenchmark {
    let folder: String

    /// The sets, with their numbers of images.
    private static let sets: [(folder: String, name: SyntheticSet.Name, seed: UInt64, count: Int)] = [
        ("train", .train, 0, 96), ("validation", .validation, 0, 50), ("test", .test, 0, 61),
        ("near-shapes", .nearShapes, 0, 37), ("far-textures", .farTextures, 0, 29), ("shifted", .test, 1, 23),
    ]

    static func with(seeds: Int = 1, _ body: (SmallBenchmark) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let small = SmallBenchmark(folder: folder)
            for set in sets { try small.pack(set) }
            try small.definition.write(toFile: "\(folder)/drawn.yml", atomically: true, encoding: .utf8)
            for seed in 0..<seeds { try await small.successful(["train"] + small.settings(seed: seed)) }
            try await body(small)
        }
    }

    /// The far set is stored as encoded files, so that its images have paths.
    private func pack(_ set: (folder: String, name: SyntheticSet.Name, seed: UInt64, count: Int)) throws {
        let drawn = SyntheticSet(set.name, seed: set.seed, count: set.count)
        var options = PackingOptions()
        options.outOfDistribution = !set.name.isInDistribution
        let destination = "\(folder)/data/\(set.folder)"
        guard set.name == .farTextures else {
            var packer = Packer(
                source: drawn.records, name: set.folder, destination: destination, options: options)
            _ = try packer.run()
            return
        }
        try writeImages(of: drawn, to: "images")
        options.layout = .encoded
        var packer = Packer(
            source: try ImageFolder(Folder("\(folder)/images"), outOfDistribution: true), name: set.folder,
            destination: destination, options: options)
        _ = try packer.run()
    }

    /// Writes the images of a set as PNG files, `000.png` and so on.
    func writeImages(of set: SyntheticSet, to name: String) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        for record in 0..<set.count {
            let number = String(repeating: "0", count: 3 - "\(record)".count) + "\(record)"
            try Data(try set.image(of: record).png())
                .write(to: URL(filePath: "\(folder)/\(name)/\(number).png"))
        }
    }

    /// The benchmark's definition, with one missing set and one optional set.
    var definition: String {
        """
        name: drawn
        data: \(folder)/data
        test: {count: 61}
        near:
          near-shapes: {count: 40}
          lost:
        far:
          textures: {folder: far-textures, hash: 00}
          more: {folder: near-shapes, optional: true}
        csid: {shifted: , gone: }
        published:
          - {training: CE, score: msp, task: ood, accuracy: 90, rows: {nearood: [~, 88.5], farood: [~, 90.25]}}
          - {training: CE, score: react, task: ood, accuracy: 90, rows: {nearood: [~, 87.5], farood: [~, 91.25]}}
        """
    }

    func settings(seed: Int) -> [String] {
        [
            "name=r", "output=\(folder)/runs", "seed=\(seed)", "network.name=resnet20", "training.batch=32",
            "training.microbatch=8", "training.epochs=1", "data.train=\(folder)/data/train",
            "data.validation=\(folder)/data/validation", "data.test=\(folder)/data/test",
            "evaluation.scores=[msp, ebo]", "evaluation.far={textures: \(folder)/data/far-textures}",
        ].flatMap { ["--set", $0] }
    }

    func t2fnorm(_ arguments: [String], ranks: Int = 1) async throws -> Command.Outcome {
        try await ranks == 1
            ? Command(Command.product("t2fnorm"), arguments).run()
            : Command.mpirun(ranks: ranks, "t2fnorm", arguments).run()
    }

    /// Runs the program, which must succeed; returns its standard output.
    @discardableResult
    func successful(_ arguments: [String], ranks: Int = 1) async throws -> String {
        let outcome = try await t2fnorm(arguments, ranks: ranks)
        try #require(outcome.exitCode == 0, "\(arguments): \(outcome.standardError)")
        return outcome.standardOutput
    }

    func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
    }

    /// Every file below a folder, by its path.
    func files(below path: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/\(path)") {
            files[name] = try? Data(contentsOf: URL(filePath: "\(folder)/\(path)/\(name)"))
        }
        return files
    }
}
