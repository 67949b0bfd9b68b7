import Cluster
import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

/// Packing on several ranks, as threads of this process.
@Suite(.timeLimit(.minutes(30))) struct RankPackingTests {
    private static func options() -> PackingOptions {
        var options = PackingOptions()
        options.recordsPerShard = 4
        return options
    }

    /// The outcome of each rank: the manifest's fingerprint, or the failure.
    private static func pack(
        ranks: Int, _ folder: String, _ source: @escaping @Sendable (_ rank: Int) -> GeneratedRecords
    ) throws -> [Result<String, JobFailure>] {
        try ThreadedWorld.run(size: ranks) { rank, world in
            var packer = Packer(
                source: source(rank), name: "set", destination: "\(folder)/set", options: options(),
                communicator: ThreadedCommunicator(rank: rank, of: world))
            do {
                return .success(try packer.run().fingerprint)
            } catch let failure as JobFailure {
                return .failure(failure)
            }
        }
    }

    @Test(arguments: [1, 2, 3, 5])
    func theShardsDoNotDependOnTheNumberOfRanks(ranks: Int) throws {
        try withTemporaryFolder { folder in
            let alone = try DatasetSamples.pack(
                drawnRecords(count: 23), folder, "alone", options: Self.options())
            let found = try Self.pack(ranks: ranks, folder) { _ in drawnRecords(count: 23) }
            #expect(found == Array(repeating: .success(alone.fingerprint), count: ranks))
            #expect(try PackedDataset(path: "\(folder)/set").fingerprint == alone.fingerprint)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["alone", "set"])
        }
    }

    @Test func allRanksThrowTheFailureOfTheLowestRankThatFails() throws {
        try withTemporaryFolder { folder in
            let found = try Self.pack(ranks: 3, folder) { rank in
                GeneratedRecords(origin: "drawn", classNames: ["a"], count: 23) {
                    index throws(DatasetError) in
                    if rank > 0, index >= 4 {
                        throw DatasetError(
                            action: "draw", place: "rank \(rank)", reason: "no paint", isSystemFault: true)
                    }
                    return (0, drawnImage(index))
                }
            }
            let failures = found.compactMap { if case .failure(let failure) = $0 { failure } else { nil } }
            #expect(failures.count == 3)
            #expect(Set(failures.map(\.message)).count == 1)
            #expect(failures.allSatisfy { $0.rank == 1 && $0.exitCode == 6 })
            #expect(failures.first?.message.hasPrefix("could not draw, rank 1: no paint") == true)
        }
    }

    @Test func ranksThatSeeOtherFilesAreNamed() throws {
        try withTemporaryFolder { folder in
            let found = try Self.pack(ranks: 3, folder) { rank in drawnRecords(count: rank == 2 ? 9 : 8) }
            let message =
                "could not pack, drawn: process 2 sees different files than process 0; "
                + "let all hosts see the same files under the same path"
            let failure = JobFailure(rank: 0, exitCode: 3, message: message)
            #expect(found == Array(repeating: .failure(failure), count: 3))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }
}
