import Foundation
import TestSupport
import Testing

/// Models exported to files of other programs and imported again, by the command line.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct ExchangeCommandTests {
    private func t2fnorm(_ arguments: [String]) async throws -> Command.Outcome {
        try await Command(Command.product("t2fnorm"), arguments).run()
    }

    /// Runs the program, which must succeed.
    @discardableResult
    private func successful(_ arguments: [String]) async throws -> String {
        let outcome = try await t2fnorm(arguments)
        try #require([0, 75].contains(outcome.exitCode), "\(arguments): \(outcome.standardError)")
        return outcome.standardOutput
    }

    /// Calls `body` with the folder of a synthetic benchmark and the settings of a named run of two
    /// updates.
    private func withRun(_ body: (_ folder: String, _ settings: (String) -> [String]) async throws -> Void)
        async throws
    {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 200, other: 100)
            try await body(folder) { name in
                [
                    "name=\(name)", "output=\(folder)/runs", "network.name=resnet20", "training.batch=32",
                    "training.microbatch=16", "training.stopAfterSteps=2", "data.train=\(folder)/data/train",
                    "data.validation=\(folder)/data/validation", "data.test=\(folder)/data/validation",
                    "evaluation.near={near-shapes: \(folder)/data/near-shapes}", "training.keep=9",
                ].flatMap { ["--set", $0] }
            }
        }
    }

    @Test(arguments: ["pytorch", "safetensors"])
    func anExportedModelComesBackWithTheSameTables(format: String) async throws {
        try await withRun { folder, settings in
            try await successful(["train"] + settings("a"))
            try await successful(["evaluate", "\(folder)/runs/a", "--checkpoint", "latest"])
            try await successful([
                "export", "\(folder)/runs/a", "\(folder)/m", "--format", format, "--checkpoint", "latest",
            ])
            let line = try await successful(
                ["import", "\(folder)/m", "--network", "resnet20"] + settings("b"))
            #expect(
                line.contains(
                    "is a resnet20 for 10 classes with a T2FNorm head of temperature 0.1: \(folder)/runs/b/s0"
                ))
            try await successful(["evaluate", "\(folder)/runs/b"])
            for score in ["ebo", "t2fnorm"] {
                let tables = try ["a", "b"].map { run in
                    let runFolder = "\(folder)/runs/\(run)/s0/evaluation"
                    let benchmark = try #require(
                        try FileManager.default.contentsOfDirectory(atPath: runFolder).first)
                    return try String(
                        contentsOfFile: "\(runFolder)/\(benchmark)/ood/\(score).csv", encoding: .utf8)
                }
                #expect(tables[0] == tables[1] && !tables[0].isEmpty)
            }
            let again = try await t2fnorm(["import", "\(folder)/m", "--network", "resnet20"] + settings("b"))
            #expect(again.exitCode == 5)
            #expect(
                again.standardError
                    == "t2fnorm: checkpoint \(folder)/runs/b/s0: there is a run here already; choose another name with --set name=…\n"
            )
        }
    }

    @Test func trainingGoesOnFromImportedWeights() async throws {
        try await withRun { folder, settings in
            try await successful(["train"] + settings("a"))
            try await successful(["export", "\(folder)/runs/a", "\(folder)/m.pth", "--checkpoint", "latest"])
            try await successful(
                ["import", "\(folder)/m.pth", "--network", "resnet20", "--into", "training"] + settings("b"))
            // The run's first checkpoint exports to the same file, to the byte.
            try await successful(["export", "\(folder)/runs/b", "\(folder)/n.pth", "--checkpoint", "latest"])
            #expect(
                try Data(contentsOf: URL(filePath: "\(folder)/m.pth"))
                    == Data(contentsOf: URL(filePath: "\(folder)/n.pth")))
            let log = try await successful(["train"] + settings("b"))
            #expect(
                log.contains("going on from \(folder)/runs/b/s0/checkpoints/step-00000000.h5 at step 0"),
                "\(log)")
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/runs/b/s0/checkpoints")
            #expect(names.sorted() == ["latest", "step-00000000.h5", "step-00000002.h5"])
        }
    }

    @Test func whatDoesNotFitIsOneLineAndCheckpointsCode() async throws {
        try await withRun { folder, settings in
            try Data("no model".utf8).write(to: URL(filePath: "\(folder)/m"))
            let outcome = try await t2fnorm(
                ["import", "\(folder)/m", "--network", "resnet20"] + settings("a"))
            #expect(outcome.exitCode == 5)
            #expect(
                outcome.standardError
                    == "t2fnorm: model file \(folder)/m: is text ('no model'), not a file of torch.save or safetensors\n"
            )
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
            let nameless = try await t2fnorm(["import", "\(folder)/m"])
            #expect(nameless.exitCode == 5 && nameless.standardError == outcome.standardError)
        }
    }

    @Test func anExportRefusesOtherEndingsAndOptionsThatDoNotApply() async throws {
        try await withRun { folder, settings in
            try await successful(["train"] + settings("a"))
            func exported(_ arguments: [String]) async throws -> Command.Outcome {
                try await t2fnorm(["export", "\(folder)/runs/a", "--checkpoint", "latest"] + arguments)
            }
            for file in ["x.onnx", "x", "x.h5"] {
                let outcome = try await exported(["\(folder)/\(file)"])
                #expect(
                    outcome.exitCode == 2
                        && outcome.standardError.contains("\(file) has an ending of no supported format"))
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/\(file)"))
            }
            let kept = try await exported(["\(folder)/q.pth", "--plain", "--no-fold"])
            #expect(kept.standardOutput.contains("τ 0.1 is not folded into fc.weight"))
            #expect(try await exported(["\(folder)/r.pth", "--no-fold"]).exitCode == 2)
        }
    }
}
