import Cluster
import TestSupport
import Testing

/// Without the check these ranks would wait for each other in different functions.
@Suite(.timeLimit(.minutes(30)))
struct CheckedCommunicatorTests {
    /// The error that each of two ranks throws; empty if it throws none.
    private func errors(
        _ body: @escaping @Sendable (_ rank: Int, _ communicator: CheckedCommunicator) throws -> Void
    ) throws -> [String] {
        try ThreadedWorld.run(size: 2) { rank, world in
            let communicator = CheckedCommunicator(ThreadedCommunicator(rank: rank, of: world))
            do {
                try body(rank, communicator)
                return ""
            } catch {
                return "\(error)"
            }
        }
    }

    @Test func ranksInDifferentFunctionsThrowWhatEachCalls() throws {
        let errors = try errors { rank, communicator in
            try communicator.barrier()
            if rank == 0 { _ = try communicator.duplicate() } else { _ = try communicator.maximum(3) }
        }
        for (rank, error) in errors.enumerated() {
            #expect(
                error
                    == """
                    \(["duplicate", "maximum"][rank]) failed on rank \(rank): ranks make different collective calls: \
                    rank 0 calls duplicate, size 0, as collective function 2; \
                    rank 1 calls maximum, size 0, as collective function 2 (code -1)
                    """)
        }
    }

    @Test func anotherCountIsAnotherFunction() throws {
        let errors = try errors { rank, communicator in
            var values = [Float](repeating: 1, count: rank + 1)
            var span = values.mutableSpan
            try communicator.treeSum(&span)
        }
        #expect(errors.allSatisfy { $0.contains("treeSum of Float, size 1, as collective function 1") })
    }

    /// The ranks call different functions of a duplicate.
    @Test func duplicatesAreComparedToo() throws {
        let errors = try errors { rank, communicator in
            let other = try communicator.duplicate()
            if rank == 0 { _ = try other.maximum(1) } else { try other.barrier() }
        }
        #expect(
            errors.allSatisfy { $0.contains("rank 0 calls maximum") && $0.contains("rank 1 calls barrier") })
    }

    @Test func nothingCollectiveIsDoneInsideTogether() throws {
        let errors = try errors { _, communicator in
            try communicator.together { _ = try communicator.maximum(1) }
        }
        #expect(errors.allSatisfy { $0.contains("maximum failed on rank 0: is called inside 'together'") })
        let after = try self.errors { rank, communicator in
            _ = try? communicator.together {
                if rank == 1 { throw JobFailure(rank: 1, exitCode: 1, message: "") }
            }
            try communicator.barrier()
        }
        #expect(after == ["", ""])
    }

    @Test func whatIsInOrderGoesThrough() throws {
        let errors = try errors { rank, communicator in
            var values = [Double(rank), 1]
            var span = values.mutableSpan
            try communicator.treeSum(&span)
            guard values == [1, 2], try communicator.maximum(rank) == 1,
                try communicator.allGather([Int64(rank)].span) == [0, 1],
                try communicator.firstRankThatDiffers(in: "same") == nil,
                try communicator.firstRankThatDiffers(in: rank == 0 ? "a" : "b") == 1,
                try communicator.fromRankZero({ [7] }) == [7]
            else { throw JobFailure(rank: rank, exitCode: 1, message: "other values") }
            try communicator.finish()
        }
        #expect(errors == ["", ""])
    }
}
