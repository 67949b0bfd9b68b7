import Checkpoints
import Datasets
import Detection
import Foundation
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// The files below `configs` that describe a whole run.
@Suite(.slow, .timeLimit(.minutes(30)))
struct ConfigurationFilesTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../configs").standardizedFileURL

    static let files: [String] = ["cifar10", "cifar100", "imagenet200", "imagenet1k"].flatMap { name in
        let own = folder.appending(path: name).path
        return ((try? FileManager.default.contentsOfDirectory(atPath: own)) ?? []).sorted().map {
            "\(name)/\($0)"
        }
    }

    private static func configuration(_ file: String) throws -> RunConfiguration {
        let scores = ScoreCatalogue.standard.names
        return try RunConfiguration.load(
            files: [folder.appending(path: file).path],
            names: KnownNames(
                networks: RunConfiguration.knownNetworks, scores: scores, featureScores: scores))
    }

    @Test func everyBenchmarkHasBothMethods() {
        for benchmark in ["cifar10", "cifar100", "imagenet200", "imagenet1k"] {
            for method in ["t2fnorm", "baseline"] {
                #expect(Self.files.contains { $0.hasPrefix(benchmark) && $0.contains(method) })
            }
        }
    }

    /// Data, classes and sets are those of the benchmark; ranks have equal parts of a batch.
    @Test(arguments: files)
    func aFileFitsItsBenchmark(file: String) throws {
        let run = try Self.configuration(file)
        let benchmark = String(file.prefix { $0 != "/" })
        let classes = ["cifar10": 10, "cifar100": 100, "imagenet200": 200, "imagenet1k": 1000]
        #expect(run.network.classes == classes[benchmark])
        #expect(run.name.hasPrefix(benchmark + "-"))
        for path in [run.data.train, run.data.validation, run.data.test] {
            #expect(path.hasPrefix("data/\(benchmark)/"), "\(path)")
        }
        #expect(run.training.batch.isMultiple(of: run.training.microbatch))
        let deviations = ["cifar10": 0.2470, "cifar100": 0.2675, "imagenet200": 0.229, "imagenet1k": 0.229]
        #expect(run.data.transform.standardDeviation[0] == deviations[benchmark])
    }

    /// A step of the recipe, with fewer images.
    @Test(arguments: files)
    func aFileTrains(file: String) throws {
        let own = try Self.configuration(file)
        try SmallRun.with { small in
            var run = small
            run.configuration = own
            run.configuration.output = small.configuration.output
            run.configuration.data.train = small.configuration.data.train
            run.configuration.data.validation = ""
            run.configuration.compute.threads = 2
            run.configuration.training.batch = own.network.name.contains("50") ? 4 : 16
            run.configuration.training.microbatch = run.configuration.training.batch / 4
            run.configuration.batchNorm.group = 0
            run.configuration.network.classes = 10
            run.configuration.training.stopAfterSteps = 1
            try run.train(ranks: 1)
            let steps = try run.metrics().filter { $0.contains("\"event\":\"step\"") }
            #expect(steps.count == 1, "\(steps)")
            #expect(try run.checkpoint()?.position.step == 1)
        }
    }
}
