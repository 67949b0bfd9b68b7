import Foundation
import TestSupport
import Testing

/// Short runs of the scripts of `cluster/lab`, which simulate several hosts by network namespaces;
/// only one lab runs at a time.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct LabTests {
    @Test(.enabled(if: Lab.hasNamespaces, "needs root, iproute2 and a kernel that makes network namespaces"))
    func aKilledRankAndACutHostEndWithTheSameBits() async throws {
        let outcome = try await script("faults", "restarts", "1")
        #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
        #expect(outcome.standardOutput.hasSuffix("1 of 1 rounds passed\n"), "\(outcome.standardOutput)")
    }

    @Test(.enabled(if: Lab.hasNamespaces, "needs root, iproute2 and a kernel that makes network namespaces"))
    func ranksAndHostsGiveTheSameBits() async throws {
        let outcome = try await script("bits", "2", "resnet20")
        #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
        for world in ["1", "2", "4", "8", "lab"] {
            #expect(
                outcome.standardOutput.contains("\(world): the bits of one rank, including 2 losses\n"),
                "\(outcome.standardOutput)")
        }
    }

}

/// The same with a local Slurm.
@Suite(.timeLimit(.minutes(30))) struct SlurmLabTests {
    @Test(.enabled(if: Lab.hasSlurm, "needs root and Debian's slurmctld, slurmd, slurm-client and munge"))
    func aSlurmJobIsRequeuedAndGoesOn() async throws {
        let outcome = try await script("slurm", "1", "--resume")
        #expect(outcome.exitCode == 0, "\(outcome.standardOutput)\(outcome.standardError)")
    }
}

private func script(_ name: String, _ arguments: String...) async throws -> Command.Outcome {
    try await Command(
        packageRoot.appending(path: "cluster/lab/\(name)"), arguments, timeLimit: .seconds(1800)
    ).run()
}

/// The prerequisites of a lab on this machine.
private enum Lab {
    /// Tested by making a namespace.
    static let hasNamespaces: Bool = {
        guard isRoot, Tool("ip").isThere else { return false }
        let name = "t2fnorm-probe-\(ProcessInfo.processInfo.processIdentifier)"
        defer { ip("netns", "delete", name) }
        return ip("netns", "add", name)
    }()

    static let hasSlurm =
        isRoot && ["slurmctld", "slurmd", "sbatch", "munged"].allSatisfy { Tool($0).isThere }

    private static let isRoot = geteuid() == 0

    @discardableResult private static func ip(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["ip"] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
