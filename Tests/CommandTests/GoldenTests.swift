import Foundation
import TestSupport
import Testing

/// The configuration alone defines the bits, not the processor, the build or the BLAS library.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct GoldenTests {
    /// `T2FNORM_WRITE_GOLDEN=1` rewrites the fixture after an intended change; the commit says why.
    @Test(arguments: OtherMachine.all)
    func everyBuildMakesTheBitsThatWereCheckedIn(machine: OtherMachine) async throws {
        try await withTemporaryFolder { folder in
            let found = try await GoldenRun(machine: machine, folder: folder).bits()
            if ProcessInfo.processInfo.environment["T2FNORM_WRITE_GOLDEN"] == "1" { try found.save() }
            let differences = found.differences(from: try GoldenBits.load())
            #expect(differences == [], "\(machine.testDescription)")
        }
    }

    /// The job moves from one kind of processor to another in the middle of an epoch.
    @Test func aJobGoesOnOnAnotherProcessorWithTheBitsOfTheUndisturbedRun() async throws {
        try await withData { folder in
            let (here, there) = (OtherMachine.all[0], OtherMachine.all[OtherMachine.all.count - 1])
            try await train(folder, "whole", stop: 13, on: here)
            try await train(folder, "moved", stop: 5, on: here)
            try await train(folder, "moved", stop: 9, on: there)
            try await train(folder, "moved", stop: 13, on: here)
            let difference = try await Command(
                here.program, ["checkpoint", "diff", "\(folder)/whole/s0", "\(folder)/moved/s0"]
            ).run()
            #expect(difference.exitCode == 0, "\(difference.standardOutput)\(difference.standardError)")
        }
    }

    @Test(
        .enabled(
            if: OtherMachine.builds.count > 1, "T2FNORM_OTHER_BUILDS names no program built for another level"
        ))
    func ranksOfTwoBuildsAreOneJobWithTheSameBits() async throws {
        try await withData { folder in
            let here = OtherMachine.all[0]
            try await train(folder, "whole", stop: 6, on: here)
            let settings = settings(folder, "mixed", stop: 6)
            let mixed = try await Command.mpirun(
                ranks: 1, "t2fnorm", settings + [":", "-n", "1", OtherMachine.builds[1].path] + settings
            ).run()
            #expect(mixed.exitCode == 75, "\(mixed.standardError)")
            #expect(
                mixed.standardOutput.components(separatedBy: "builds for 2 kinds of processor").count == 2,
                "\(mixed.standardOutput)")
            let difference = try await Command(
                here.program, ["checkpoint", "diff", "\(folder)/whole/s0", "\(folder)/mixed/s0"]
            ).run()
            #expect(difference.exitCode == 0, "\(difference.standardOutput)\(difference.standardError)")
        }
    }

    private func withData(_ body: (_ folder: String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await DrawnData.link(into: folder, train: 90, other: 20)
            try await body(folder)
        }
    }

    private func settings(_ folder: String, _ name: String, stop: Int) -> [String] {
        ["train"]
            + [
                "name=\(name)", "output=\(folder)", "network.name=resnet20", "training.epochs=4",
                "training.batch=16", "training.microbatch=4", "training.stopAfterSteps=\(stop)",
                "data.train=\(folder)/data/train", "data.validation=\(folder)/data/validation",
            ].flatMap { ["--set", $0] }
    }

    private func train(_ folder: String, _ name: String, stop: Int, on machine: OtherMachine) async throws {
        let outcome = try await Command(
            machine.program, settings(folder, name, stop: stop),
            environment: ["OPENBLAS_CORETYPE": machine.blasCore], timeLimit: .seconds(300)
        ).run()
        try #require([0, 75].contains(outcome.exitCode), "\(outcome.standardError)")
    }
}
