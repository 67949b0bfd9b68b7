import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct BenchTests {
    private func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["bench", "step"] + arguments).run()
    }

    private func runKernels(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["bench", "kernels"] + arguments).run()
    }

    /// The fields that `tools/compare-pytorch` reads.
    private struct Report: Decodable {
        let batch: Int, threads: Int, mode: String
        let secondsPerStep: [Double]
        let imagesPerSecond: Double, gigaflopsPerSecond: Double
        let peakGigaflopsPerSecond: Double, shareOfPeak: Double
        let peakByteCount: Int, plannedByteCount: Int
    }

    @Test(arguments: [("training", 3.0), ("inference", 1.0)])
    func aStepIsReportedAsJSON(mode: String, passes: Double) async throws {
        let outcome = try await run([
            "--network", "resnet20", "--mode", mode, "--batch", "6", "--microbatch", "4", "--threads", "2",
            "--steps", "3", "--warm-up", "1", "--json",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.batch == 6 && report.threads == 2 && report.mode == mode)
        #expect(report.secondsPerStep.count == 3)
        #expect(report.imagesPerSecond == 6 / report.secondsPerStep.sorted()[1])
        // ResNet-20 takes 40.55 million multiply-accumulates for 32×32 images and ten classes.
        let operations = 2 * passes * 40_551_040 * report.imagesPerSecond
        #expect(abs(report.gigaflopsPerSecond * 1e9 / operations - 1) < 1e-6)
        #expect(report.peakGigaflopsPerSecond > 0)
        #expect(
            abs(report.shareOfPeak * report.peakGigaflopsPerSecond / report.gigaflopsPerSecond - 1) < 1e-9)
    }

    @Test(
        arguments: [
            ("resnet20", 24), ("resnet18_32x32", 24), ("resnet50", 4), ("wideresnet40_2", 24),
            ("wideresnet28_10", 8),
        ], ["training", "inference"])
    func memoryIsAsPlanned(network: (name: String, batch: Int), mode: String) async throws {
        let outcome = try await run([
            "--network", network.name, "--mode", mode, "--batch", "\(network.batch)", "--microbatch", "4",
            "--threads", "2", "--steps", "1", "--warm-up", "1", "--json",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
        let ratio = Double(report.peakByteCount) / Double(report.plannedByteCount)
        #expect(
            abs(ratio - 1) < 0.1, "\(report.peakByteCount) bytes, \(report.plannedByteCount) planned")
    }

    @Test func imagesMayHaveAnotherSize() async throws {
        let small = [
            "--network", "resnet18_224x224", "--batch", "2", "--microbatch", "2", "--steps", "1", "--warm-up",
            "0",
            "--threads", "1", "--json",
        ]
        let outcome = try await run(small + ["--image-size", "64"])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
        // All maps have (64 / 224)² of the positions that images of 224×224 have.
        let operations = 6 * report.imagesPerSecond * (1_813_561_344 * 64 * 64 / (224 * 224) + 512_000)
        #expect(abs(report.gigaflopsPerSecond * 1e9 / operations - 1) < 1e-3)
        let refused = try await run(small + ["--image-size", "100"])
        #expect(
            refused.exitCode == 2
                && refused.standardError.contains("--image-size is 100, expected a multiple of 32"),
            "\(refused.standardError)")
    }

    @Test(arguments: ["--batch", "--steps", "--microbatch"])
    func aCountOfNothingIsNamed(option: String) async throws {
        let outcome = try await run([option, "0"])
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError.contains("\(option) is 0, expected 1 or more"))
    }

    private struct KernelReport: Decodable {
        struct Pass: Decodable {
            let pass: String
            let gigaflopsPerSecond: Double, shareOfPeak: Double, relativeError: Double
        }

        struct Row: Decodable {
            let layer: String, algorithm: String
            let counts: [String: Int]
            let images: Int, checkedImages: Int
            let passes: [Pass]
        }

        let threads: Int
        let peakGigaflopsPerSecond: Double
        let rows: [Row]
    }

    @Test func everyAlgorithmOfALayerIsReportedAsJSON() async throws {
        let outcome = try await runKernels([
            "--network", "resnet20", "resnet32", "--layers", "32-32 at", "--all-algorithms", "--batch", "5",
            "--microbatch", "3", "--threads", "2", "--runs", "1", "--json",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        #expect(outcome.standardOutput.split(separator: "\n").count == 1)
        #expect(outcome.standardError.contains("3x3 32-32 at 16x16"), "progress")
        let report = try JSONDecoder().decode(KernelReport.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.threads == 2 && report.peakGigaflopsPerSecond > 0)
        #expect(report.rows.map(\.algorithm) == ["winograd", "tiled", "library"])
        for row in report.rows {
            #expect(row.layer == "3x3 32-32 at 16x16" && row.images == 5 && row.checkedImages == 3)
            // Stages of 3 and 5 blocks of two convolutions each; the first of a stage comes from 16
            // channels.
            #expect(row.counts == ["resnet20": 5, "resnet32": 9])
            #expect(row.passes.map(\.pass) == ["forward", "inputGradient", "weightGradient"])
            for pass in row.passes {
                #expect(
                    abs(
                        pass.shareOfPeak * report.peakGigaflopsPerSecond / pass.gigaflopsPerSecond - 1) < 1e-9
                )
            }
        }
    }

    @Test func layersOfImagesOfAnotherSize() async throws {
        let small = [
            "--network", "resnet18_224x224", "--layers", "3x3 64-64", "--batch", "1", "--threads", "1",
            "--runs", "1", "--json", "--image-size",
        ]
        let outcome = try await runKernels(small + ["64"])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(KernelReport.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.rows.map(\.layer) == ["3x3 64-64 at 16x16"])
        let refused = try await runKernels(small + ["100"])
        #expect(
            refused.exitCode == 2
                && refused.standardError.contains("--image-size is 100, expected a multiple of 32"),
            "\(refused.standardError)")
    }

    /// Strided, pointwise, Winograd, and with a channel count that is not a multiple of the vector
    /// width. A wrong reference or result has an error far above the bound.
    @Test(arguments: [
        ("resnet20", "3x3"), ("resnet18_32x32", "1x1 64-128 at 32x32 by 2"),
        ("resnet50", "1x1 64-64 at 56x56"), ("resnet18_224x224", "7x7 3-64 at 224x224 by 2"),
    ])
    func everyPassAgreesWithDoublePrecision(network: String, layers: String) async throws {
        let outcome = try await runKernels([
            "--network", network, "--layers", layers, "--all-algorithms", "--batch", "2", "--runs", "1",
            "--json",
        ])
        let report = try JSONDecoder().decode(KernelReport.self, from: Data(outcome.standardOutput.utf8))
        #expect(!report.rows.isEmpty)
        for row in report.rows {
            for pass in row.passes {
                // Rounding to single precision alone leaves some 3e-8.
                #expect(1e-8..<5e-6 ~= pass.relativeError, "\(pass.pass) of \(row.layer) by \(row.algorithm)")
            }
        }
    }

    @Test func aTableHasARowALayer() async throws {
        let outcome = try await runKernels([
            "--network", "resnet20", "--algorithm", "winograd", "--batch", "1", "--runs", "1",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let lines = outcome.standardOutput.split(separator: "\n")
        #expect(lines[0].contains("GFLOP/s; best of 1 runs"))
        #expect(lines[1].contains("% of peak") && lines[1].contains("relative rms error"))
        let layers = lines.filter { $0.contains("  winograd │") }.map { $0.prefix(18) }
        #expect(
            layers == [
                "3x3 16-16 at 32x32", "3x3 16-32 at 32x32", "3x3 32-32 at 16x16", "3x3 32-64 at 16x16",
                "3x3 64-64 at 8x8  ",
            ])
        #expect(lines.last?.hasPrefix("largest error: ") == true)
    }

    @Test(arguments: [
        (["--batch", "0"], "--batch is 0, expected 1 or more"),
        (["--threads=-1"], "--threads is -1, expected 0 or more"),
        (["--runs", "0"], "--runs is 0, expected 1 or more"),
        (["--microbatch", "0"], "--microbatch is 0, expected 1 or more"),
        (
            ["--algorithm", "tiled", "--all-algorithms"],
            "--algorithm is one algorithm and --all-algorithms are all"
        ),
        (["--layers", "5x5"], "no layer by any algorithm has '5x5' in its name"),
        (["--layers", "1x1", "--algorithm", "winograd"], "no layer by winograd has '1x1' in its name"),
        (
            ["--algorithm", "fourier"],
            "one of 'winograd', 'tiled', 'library', 'tiledInt14' or 'winogradInt14'"
        ),
    ])
    func aWrongOptionIsNamed(arguments: [String], message: String) async throws {
        let outcome = try await runKernels(arguments)
        #expect(outcome.exitCode == 2 && outcome.standardOutput.isEmpty)
        #expect(outcome.standardError.contains(message), "\(outcome.standardError)")
    }

    /// The fields that `tools/compare-loader` reads.
    private struct LoaderReport: Decodable {
        let images: Int
        let imagesPerSecond: Double, seconds: Double, startSeconds: Double
        let earlyByteCount: Int, lateByteCount: Int, peakByteCount: Int
    }

    private func runData(_ folder: URL, _ arguments: [String]) async throws -> LoaderReport {
        let outcome = try await Command(
            Command.product("t2fnorm"), ["bench", "data", folder.path + "/data/train", "--json"] + arguments
        ).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        return try JSONDecoder().decode(LoaderReport.self, from: Data(outcome.standardOutput.utf8))
    }

    @Test func theLoadersMemoryIsFlatOverAHundredThousandRecords() async throws {
        try await withTemporaryFolder { folder in
            let drawn = try await Command(
                Command.product("t2fnorm"),
                ["data", "synthesize", "\(folder)/data", "--train-count", "999", "--other-count", "40"]
            ).run()
            try #require(drawn.exitCode == 0, "\(drawn.standardError)")

            for options in [[], ["--threads", "2", "--crop", "resized", "--size", "24", "--batch", "100"]] {
                let report = try await runData(
                    URL(filePath: folder), ["--seconds", "1", "--images", "100000"] + options)
                #expect(report.images >= 100_000)
                let growth = Double(report.lateByteCount) / Double(report.earlyByteCount)
                #expect(abs(growth - 1) < 0.05, "\(report)")
                #expect(report.imagesPerSecond > 0 && report.startSeconds > 0)
                #expect(report.peakByteCount >= report.lateByteCount)
            }
            let refused = try await Command(
                Command.product("t2fnorm"), ["bench", "data", "\(folder)/data/train", "--threads", "0"]
            ).run()
            #expect(refused.exitCode == 2)
            #expect(refused.standardError.contains("--threads is 0, expected 1 or more"))
        }
    }
    private struct ScoresReport: Decodable {
        let scores: [String]
        let training: Int, scored: Int, ranks: Int
        let forwardSeconds: Double, evaluationSeconds: Double, ratio: Double
    }

    @Test func anEvaluationIsTimedAgainstItsForwardPass() async throws {
        let outcome = try await Command.mpirun(
            ranks: 2, "t2fnorm",
            [
                "bench", "scores", "--network", "resnet20", "--score", "msp", "react", "--training", "100",
                "--scored", "95", "--threads", "1", "--rounds", "1", "--json",
            ]
        ).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(ScoresReport.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.scores == ["msp", "react"])
        #expect(report.training == 100 && report.scored == 90 && report.ranks == 2)
        #expect(abs(report.ratio - report.evaluationSeconds / report.forwardSeconds) < 1e-9)
    }

    private struct NeighborsReport: Decodable {
        let bank: Int, queries: Int, ranks: Int, rounds: Int
        let seconds: Double, gigaflops: Double
    }

    @Test func aSearchOfNeighborsIsReportedAsJSON() async throws {
        let outcome = try await Command.mpirun(
            ranks: 2, "t2fnorm",
            [
                "bench", "neighbors", "--bank", "211", "--queries", "103", "--dimension", "17", "--k", "7",
                "--threads", "1", "--rounds", "2", "--json",
            ]
        ).run()
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(
            NeighborsReport.self, from: Data(outcome.standardOutput.utf8))
        #expect(report.bank == 211 && report.queries == 103 && report.ranks == 2 && report.rounds == 2)
        let operations = report.gigaflops * 1e9 * report.seconds
        #expect(abs(operations / (2 * 211 * 103 * 17) - 1) < 1e-6)

        let refused = try await Command(
            Command.product("t2fnorm"), ["bench", "neighbors", "--bank", "20", "--k", "21"]
        ).run()
        #expect(refused.exitCode == 2)
        #expect(refused.standardError.contains("--k is 21, expected at most the 20 records of --bank"))
    }
}
