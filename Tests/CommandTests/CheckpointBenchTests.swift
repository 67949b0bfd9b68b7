import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CheckpointBenchTests {
    private struct Report: Decodable {
        struct Round: Decodable {
            let stallSeconds: Double, makingSeconds: Double, writingSeconds: Double, checkingSeconds: Double
            let wholeSeconds: Double, loadingSeconds: Double
            let plainWritingSeconds: Double, plainReadingSeconds: Double
        }
        let network: String, threads: Int, byteCount: Int
        let rounds: [Round]
        let writingShare: Double, loadingShare: Double
    }

    @Test func checkpointsAreTimedAndNothingIsLeft() async throws {
        try await withTemporaryFolder { folder in
            let program = Command.product("t2fnorm")
            let outcome = try await Command(
                program,
                [
                    "bench", "checkpoint", "--network", "resnet20", "--folder", folder, "--threads", "2",
                    "--rounds", "3", "--json",
                ]
            ).run()
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
            let report = try JSONDecoder().decode(Report.self, from: Data(outcome.standardOutput.utf8))
            #expect(report.network == "resnet20" && report.threads == 2 && report.rounds.count == 3)
            // 272,474 weights, and as many momentum values.
            #expect((2_179_792..<2_400_000).contains(report.byteCount))
            for round in report.rounds {
                #expect(round.stallSeconds > 0 && round.loadingSeconds > 0)
                let parts = round.makingSeconds + round.writingSeconds + round.checkingSeconds
                #expect(parts > 0 && parts <= round.wholeSeconds)
            }
            #expect(report.writingShare > 0 && report.loadingShare > 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
            let refused = try await Command(program, ["bench", "checkpoint", "--rounds", "0"]).run()
            #expect(
                refused.exitCode == 2 && refused.standardError.contains("--rounds is 0, expected 1 or more"))
        }
    }
}
