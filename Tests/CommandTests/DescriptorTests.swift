import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import Synthesis
import TestSupport
import Testing

/// Datasets with more shards than a process may open files.
@Suite(.serialized, .timeLimit(.minutes(30)))
struct DescriptorTests {
    private static let shardCount = 1100

    /// Calls `body` with a training set of one image per shard, in memory if the system has
    /// `/dev/shm`, since every shard is synced.
    private func withManyShards(_ body: (_ folder: String) async throws -> Void) async throws {
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        try await withTemporaryFolder(in: isThere ? memory : nil) { folder in
            for (name, set, perShard) in [
                ("train", SyntheticSet(.train, seed: 0, count: Self.shardCount), 1),
                ("near", SyntheticSet(.nearShapes, seed: 0, count: 20), 20),
            ] {
                var options = PackingOptions()
                options.recordsPerShard = perShard
                options.outOfDistribution = name == "near"
                options.threads = 2
                var packer = Packer(
                    source: set.records, name: name, destination: "\(folder)/\(name)", options: options)
                _ = try packer.run()
            }
            try await body(folder)
        }
    }

    private func limited(_ limit: Int, _ arguments: [String], ranks: Int = 1) async throws -> Command.Outcome
    {
        let program = Command.product("t2fnorm").path
        let launcher = ranks == 1 ? "" : "mpirun -n \(ranks) --oversubscribe --bind-to none"
        return try await Command(
            URL(filePath: "/bin/sh"),
            ["-c", #"ulimit -n \#(limit); exec \#(launcher) "$@""#, "sh", program]
                + arguments,
            environment: [
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_mpi_yield_when_idle": "1",
            ], timeLimit: .seconds(300)
        ).run()
    }

    private func settings(_ folder: String) -> [String] {
        [
            "name=r", "output=\(folder)/runs", "network.name=resnet20", "training.batch=100",
            "training.microbatch=50",
            "training.epochs=1", "data.train=\(folder)/train", "data.validation=\(folder)/train",
            "data.test=\(folder)/train", "evaluation.near={near: \(folder)/near}", "evaluation.scores=[msp]",
        ].flatMap { ["--set", $0] }
    }

    @Test func aSetOfManyShardsIsUsedWithFewDescriptors() async throws {
        try await withManyShards { folder in
            let commands = [
                ["data", "inspect", "\(folder)/train"], ["data", "verify", "\(folder)/train"],
                ["train"] + settings(folder), ["evaluate", "\(folder)/runs/r"],
            ]
            for command in commands {
                let outcome = try await limited(256, command)
                try #require(outcome.exitCode == 0, "\(command): \(outcome.standardError)")
            }
            let ranks = try await limited(256, ["train", "--resume", "none"] + settings(folder), ranks: 2)
            #expect(ranks.exitCode == 0, "\(ranks.standardError)")
        }
    }

    @Test func theSoftLimitIsRaisedAtTheStart() async throws {
        try await withManyShards { folder in
            let outcome = try await Command(
                URL(filePath: "/bin/sh"),
                [
                    "-c", #"ulimit -Sn 8; ulimit -Hn 200; exec "$@""#, "sh", Command.product("t2fnorm").path,
                    "train",
                ] + settings(folder)
            ).run()
            #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        }
    }

    @Test func whereThereAreTooFewTheLimitAndTheRemedyAreNamed() async throws {
        try await withManyShards { folder in
            let outcome = try await limited(8, ["train"] + settings(folder))
            #expect(outcome.exitCode == 6, "\(outcome.standardError)")
            let lines = outcome.standardError.split(separator: "\n")
            #expect(lines.count == 1 && lines[0].hasPrefix("t2fnorm: "), "\(outcome.standardError)")
            #expect(
                lines[0].contains(
                    "too many open files: the limit is 8 (ulimit -n; the hard limit, ulimit -Hn, is 8), 8 are open ("
                ),
                "\(lines[0])")
            #expect(lines[0].contains("; raise it before the start, as by 'ulimit -n 4096'"))
        }
    }
}
