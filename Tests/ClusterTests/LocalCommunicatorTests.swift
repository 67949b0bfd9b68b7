import Cluster
import Testing

@Suite(.timeLimit(.minutes(30)))
struct LocalCommunicatorTests {
    let communicator: any Communicator = LocalCommunicator()

    private struct Trouble: Error {}

    @Test func isAWorldOfOne() {
        #expect(communicator.rank == 0 && communicator.worldSize == 1)
        #expect(communicator.localRank == 0 && communicator.localSize == 1)
        #expect(communicator.isExact)
        #expect(!communicator.hostName.isEmpty)
    }

    @Test func sumsAndBroadcastsKeepTheBits() throws {
        let values: [Float] = [-0.0, 0.0, 1.5, -.infinity]
        var found = values
        var span = found.mutableSpan
        try communicator.treeSum(&span)
        try communicator.broadcast(&span, from: 0)
        #expect(found.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test(arguments: [0, 1, 7]) func gathersItsOwnValues(count: Int) throws {
        let values = (0..<count).map { Int32($0 - 3) }
        #expect(try communicator.allGather(values.span, counts: [count]) == values)
        #expect(try communicator.allGather(values.span) == values)
    }

    @Test func agreesWithItself() throws {
        #expect(try communicator.maximum(-4) == -4)
        #expect(try communicator.minimum(-4) == -4)
        #expect(try communicator.anyRank(true))
        #expect(try !communicator.anyRank(false))
        #expect(try communicator.broadcast([1, 2, 255], from: 0) == [1, 2, 255])
    }

    @Test func aFailureHasItsCodeAndMessage() throws {
        #expect(try communicator.firstFailure(of: nil) == nil)
        let failure = try communicator.firstFailure(of: (3, "labels.txt, line 7: no such class"))
        #expect(failure == JobFailure(rank: 0, exitCode: 3, message: "labels.txt, line 7: no such class"))
    }

    @Test func togetherGivesTheResultOrTheFailureWithItsCode() throws {
        #expect(try communicator.together { 42 } == 42)
        #expect(throws: JobFailure(rank: 0, exitCode: 1, message: "Trouble()")) {
            try communicator.together { throw Trouble() }
        }
        let failure = JobFailure(rank: 0, exitCode: 6, message: "no slots; use fewer ranks")
        #expect(throws: failure) { try communicator.together { throw failure } }
    }
}
