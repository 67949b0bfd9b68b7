import Foundation
import TestSupport
import Testing

struct BenchTests {
    private func run(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), ["bench", "step"] + arguments).run()
    }

    /// The fields that `launch/compare-pytorch` reads.
    private struct Report: Decodable {
        let batch: Int, threads: Int, mode: String
        let secondsPerStep: [Double]
        let imagesPerSecond: Double, gigaflopsPerSecond: Double
        let peakByteCount: Int, plannedByteCount: Int
    }

    @Test(arguments: [("training", 3.0), ("inference", 1.0)])
    func aStepIsReportedAsJSON(mode: String, passes: Double) async throws {
        let outcome = try await run([
            "--network", "resnet20", "--mode", mode, "--batch", "6", "--lane", "4", "--threads", "2",
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
    }

    @Test(
        arguments: ["resnet20", "resnet18_32x32", "resnet50"].flatMap { network in
            ["training", "inference"].map { (network, $0) }
        })
    func memoryIsAsPlanned(network: String, mode: String) async throws {
        let outcome = try await run([
            "--network", network, "--mode", mode, "--batch", network == "resnet50" ? "4" : "24", "--lane",
            "4",
            "--threads", "2", "--steps", "1", "--warm-up", "1", "--json",
        ])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
        let ratio = Double(report.peakByteCount) / Double(report.plannedByteCount)
        #expect(
            abs(ratio - 1) < 0.1, "\(report.peakByteCount) bytes, \(report.plannedByteCount) planned")
    }

    @Test(arguments: ["--batch", "--steps", "--lane"])
    func aCountOfNothingIsNamed(option: String) async throws {
        let outcome = try await run([option, "0"])
        #expect(outcome.exitCode == 2)
        #expect(outcome.standardError.contains("\(option) is 0, expected 1 or more"))
    }
}
