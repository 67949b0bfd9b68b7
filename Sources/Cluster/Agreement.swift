/// A failure that all ranks know of: the lowest failing rank's.
public struct JobFailure: Error, Equatable, CustomStringConvertible {
    /// The rank that failed.
    public let rank: Int
    /// What the process is to exit with.
    public let exitCode: Int32
    /// One line that says what, where and how to mend it.
    public let message: String

    public init(rank: Int, exitCode: Int32, message: String) {
        self.rank = rank
        self.exitCode = exitCode
        self.message = message
    }

    public var description: String { message }
}

extension Communicator {
    /// Makes one rank's failure known to all; collective, called where all ranks pass, such as a step's end.
    ///
    /// Costs one small message while nothing has failed. The ranks then stop together: rank 0 prints the failure,
    /// all `finish` and exit with its code.
    ///
    /// - Parameter own: This rank's failure, if it has one.
    /// - Returns: The failure of the lowest failing rank, the same on all ranks; `nil` if no rank has one.
    public func firstFailure(
        of own: (exitCode: Int32, message: String)?
    ) throws(MPIError) -> JobFailure? {
        let rank = try minimum(own == nil ? worldSize : rank)
        guard rank < worldSize else { return nil }
        let exitCode = try maximum(rank == self.rank ? Int(own?.exitCode ?? 0) : 0)
        let message = try broadcast(Array((own?.message ?? "").utf8), from: rank)
        return JobFailure(
            rank: rank, exitCode: Int32(exitCode), message: String(decoding: message, as: UTF8.self))
    }

    /// Runs `body` on every rank; where it throws on any of them, all throw the lowest failing rank's failure.
    ///
    /// Inside `body` a rank must not wait for others that may have failed, so it calls no collective function: it reads, checks,
    /// computes.
    ///
    /// - Parameter describe: The exit code and the line for an error.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func together<Result>(
        describe: (any Error) -> (exitCode: Int32, message: String), _ body: () throws -> Result
    ) throws -> Result {
        beginAlone()
        let outcome = Swift.Result { try body() }
        endAlone()
        var own: (exitCode: Int32, message: String)?
        if case .failure(let error) = outcome { own = describe(error) }
        if let failure = try firstFailure(of: own) { throw failure }
        return try outcome.get()
    }

    /// Has rank 0 make a value that all ranks get; where `make` throws, all throw its failure. Collective.
    ///
    /// For what each rank could find by itself, as in a folder, but might find otherwise.
    ///
    /// - Parameters:
    ///   - describe: The exit code and the line for an error.
    ///   - make: Called on rank 0.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    public func fromRankZero(
        describe: (any Error) -> (exitCode: Int32, message: String), _ make: () throws -> [UInt8]
    ) throws -> [UInt8] {
        let own = try together(describe: describe) { rank == 0 ? try make() : [] }
        return try broadcast(own, from: 0)
    }

    /// The first rank whose value is not rank 0's, on every rank; `nil` if all have the same. Collective.
    public func firstRankThatDiffers(in value: String) throws(MPIError) -> Int? {
        let bytes = Array(value.utf8)
        let first = try broadcast(bytes, from: 0)
        let differing = try minimum(first == bytes ? worldSize : rank)
        return differing < worldSize ? differing : nil
    }
}
