import Foundation
import TestSupport
import Testing

/// Settings by their names of earlier versions, on the command line and in a run's folder.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct EarlierNamesTests {
    private let program = Command.product("t2fnorm")

    /// Lines of standard error that report earlier names.
    private func notices(_ outcome: Command.Outcome) -> [String] {
        outcome.standardError.split(separator: "\n").map(String.init).filter { $0.contains("earlier names") }
    }

    @Test func aRunIsTrainedGoneOnWithAndEvaluated() async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 96)
            let settings = [
                "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=32",
                "training.lane=16", "optimizer.schedule=epoch", "training.epochs=1", "compute.threads=1",
                "data.train=\(folder)/data/train", "data.validation=\(folder)/data/validation",
                "data.test=\(folder)/data/validation",
                "evaluation.near={near-shapes: \(folder)/data/near-shapes}",
            ].flatMap { ["--set", $0] }
            let trained = try await Command(program, ["train"] + settings).run()
            #expect(trained.exitCode == 0, "\(trained.standardError)")
            #expect(
                notices(trained) == [
                    """
                    t2fnorm: note: --set uses earlier names: training.lane is training.microbatch now, \
                    optimizer.schedule: epoch is optimizer.scheduleInterval: epoch now
                    """
                ])
            let file = "\(folder)/runs/r/s0/config.yml"
            let written = try String(contentsOfFile: file, encoding: .utf8)
            #expect(written.contains("  microbatch: 16\n") && written.contains("  scheduleInterval: epoch\n"))

            let old = written.replacing("  microbatch: 16\n", with: "  lane: 16\n")
            try Data(old.utf8).write(to: URL(filePath: file))
            let evaluated = try await Command(
                program, ["evaluate", "\(folder)/runs/r", "--score", "msp"]
            ).run()
            #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
            #expect(
                notices(evaluated) == [
                    "t2fnorm: note: \(file) uses earlier names: training.lane is training.microbatch now"
                ])

            let both = try await Command(
                program, ["train"] + settings + ["--set", "training.microbatch=16"]
            ).run()
            #expect(both.exitCode == 2)
            #expect(
                both.standardError.contains(
                    "training.lane is given beside training.microbatch, its new name, expected one of the two"
                ))
        }
    }
}
