internal import Foundation

/// Joins the ranks of this job; alone, it is a world of one and MPI is not started.
///
/// To be called once, before other threads use MPI. `Communicator.finish` or `abort` ends what it starts.
///
/// With `T2FNORM_CHECK_COLLECTIVES=1` in the environment of all ranks they compare which collective functions they call.
///
/// - Throws: `LaunchError`, or `MPIError` where MPI does not start.
public func connect() throws -> any Communicator {
    try connect(Environment.current(), limits: TransferLimits())
}

/// As `connect()`, for tests of other limits.
package func connect(_ environment: Environment, limits: TransferLimits) throws -> any Communicator {
    let communicator = try join(environment, limits)
    let isChecked = CheckedCommunicator.isWanted(ProcessInfo.processInfo.environment)
    return isChecked ? CheckedCommunicator(communicator) : communicator
}

private func join(_ environment: Environment, _ limits: TransferLimits) throws -> any Communicator {
    guard environment.isLaunched else { return LocalCommunicator() }
    let communicator = try MPICommunicator(limits: limits)
    try environment.check(worldSize: communicator.worldSize)
    return communicator
}

/// How much goes into one message; the same on all ranks.
package struct TransferLimits: Sendable {
    /// The largest buffer that a tree sum exchanges whole; above it halves, which moves less and takes more steps.
    package var wholeSumByteCount = 64 << 10
    /// The largest message of a tree sum, such that what arrives is still in the cache when it is added.
    package var sumMessageByteCount = 512 << 10
    /// The largest message elsewhere; MPI counts in 32 bits.
    package var messageByteCount = 1 << 30

    package init() {}
}
