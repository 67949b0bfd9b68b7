internal import Failures

/// A failure that all ranks have agreed on: that of the lowest failing rank.
package struct JobFailure: CodedError, Equatable {
    /// The rank that failed.
    package let rank: Int
    /// The exit code of the process.
    package let exitCode: Int32
    /// One line that says what failed, where, and what to do.
    package let message: String

    package init(rank: Int, exitCode: Int32, message: String) {
        self.rank = rank
        self.exitCode = exitCode
        self.message = message
    }

    package var description: String { message }
}

extension Communicator {
    /// Broadcasts the failure of the lowest failing rank; collective. Call it where all ranks pass,
    /// such as at the end of a step.
    ///
    /// It costs one small all-reduce while nothing has failed. After a failure the ranks stop
    /// together: rank 0 prints it, and all ranks call `finish` and exit with its code.
    ///
    /// - Parameter own: This rank's failure, if it has one.
    /// - Returns: The failure of the lowest failing rank, the same on all ranks; `nil` if no rank
    ///   has one.
    package func firstFailure(
        of own: (exitCode: Int32, message: String)?
    ) throws(MPIError) -> JobFailure? {
        let rank = try minimum(own == nil ? worldSize : rank)
        guard rank < worldSize else { return nil }
        let exitCode = try maximum(rank == self.rank ? Int(own?.exitCode ?? 0) : 0)
        let message = try broadcast(Array((own?.message ?? "").utf8), from: rank)
        return JobFailure(
            rank: rank, exitCode: Int32(exitCode), message: String(decoding: message, as: UTF8.self))
    }

    /// Runs `body` on every rank; if it throws on any rank, all ranks throw the failure of the
    /// lowest failing rank.
    ///
    /// `body` must not call a collective function, since it would wait for ranks that may have
    /// failed. It may read, check and compute.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func together<Result>(_ body: () throws -> Result) throws -> Result {
        beginAlone()
        let outcome = Swift.Result { try body() }
        endAlone()
        var own: (exitCode: Int32, message: String)?
        if case .failure(let error) = outcome { own = failureReport(of: error) }
        if let failure = try firstFailure(of: own) { throw failure }
        return try outcome.get()
    }

    /// Makes a value on rank 0 and broadcasts it; if `make` throws, all ranks throw its failure.
    /// Collective.
    ///
    /// - Parameter make: Called on rank 0.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func fromRankZero(_ make: () throws -> [UInt8]) throws -> [UInt8] {
        let own = try together { rank == 0 ? try make() : [] }
        return try broadcast(own, from: 0)
    }

    /// The lowest rank whose value differs from rank 0's; `nil` if all ranks have the same. All
    /// ranks get the same result. Collective.
    package func firstRankThatDiffers(in value: String) throws(MPIError) -> Int? {
        let bytes = Array(value.utf8)
        let first = try broadcast(bytes, from: 0)
        let differing = try minimum(first == bytes ? worldSize : rank)
        return differing < worldSize ? differing : nil
    }
}
