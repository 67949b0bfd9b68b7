internal import Foundation

/// Joins the ranks of this job. Without a launcher the process is a world of one, and MPI is not
/// started.
///
/// Call it once, before other threads use MPI. `Communicator.finish` or `abort` ends MPI.
///
/// If the environment of all ranks has `T2FNORM_CHECK_COLLECTIVES=1`, the ranks compare which
/// collective functions they call.
///
/// - Throws: `LaunchError`, or `MPIError` if MPI does not start.
package func connect() throws -> any Communicator {
    try connect(Environment.current(), limits: TransferLimits())
}

/// As `connect()` with other limits, for tests.
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

/// The sizes of messages; the same on all ranks.
package struct TransferLimits: Sendable {
    /// The largest buffer that a tree sum exchanges whole. Larger buffers are summed by recursive
    /// halving, which moves less data in more steps.
    package var wholeSumByteCount = 64 << 10
    /// The largest message of a tree sum, small enough that a received message is still in the
    /// cache when it is added.
    package var sumMessageByteCount = 512 << 10
    /// The largest message elsewhere; MPI counts in 32 bits.
    package var messageByteCount = 1 << 30

    package init() {}
}
