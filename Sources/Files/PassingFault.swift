internal import Glibc

/// Transient failures of system calls, which say nothing about a file: a server, a network, a disk
/// or a busy system did not answer this time.
///
/// Such a call is retried a few times. Only wrong bytes count as damage; a call that still fails is
/// a system fault and ends the job.
package enum PassingFault {
    /// Seconds before each retry, about three seconds in all: a mount that waits for its server has
    /// already waited before it reports the failure.
    private static let pauses = [0.1, 0.2, 0.4, 0.8, 1.6]

    private static let codes: Set<Int32> = [
        EAGAIN, EBUSY, EIO, ENOBUFS, ENOLCK, ENOMEM, EREMOTEIO, ESTALE, ETIMEDOUT,
        // Errors of a network file system whose server or connection is temporarily lost.
        ECOMM, ECONNABORTED, ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETRESET,
        ENETUNREACH,
        ENOLINK, ENOTCONN, EPROTO, ESHUTDOWN,
    ]

    /// Whether a call that failed with `code` may succeed on a retry.
    package static func isPassing(_ code: Int32) -> Bool { codes.contains(code) }

    /// Whether `code` is the fault of the system and not of the file: a transient failure that
    /// persists, or the descriptor limit.
    package static func isSystemFault(_ code: Int32) -> Bool {
        isPassing(code) || DescriptorLimit.isReached(code)
    }

    /// Makes a system call that has no side effects. Retries it after a pause if its failure is
    /// transient, and at once if a signal interrupted it.
    ///
    /// - Parameters:
    ///   - renew: Called before a retry if the file's handle is stale (`ESTALE`).
    ///   - call: Returns a negative number and sets `errno` if it fails.
    /// - Returns: The result of the last attempt; `errno` is from that attempt.
    package static func retry<Result: SignedInteger>(
        renewing renew: () -> Void = {}, _ call: () -> Result
    ) -> Result {
        for pause in pauses {
            let result = uninterrupted(call)
            guard result < 0, isPassing(errno) else { return result }
            let isStale = errno == ESTALE
            sleep(seconds: pause)
            if isStale { renew() }
        }
        return uninterrupted(call)
    }

    /// Makes a system call, and repeats it as long as a signal interrupts it.
    package static func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            guard result < 0, errno == EINTR else { return result }
        }
    }

    private static func sleep(seconds: Double) {
        let whole = seconds.rounded(.down)
        var time = timespec(tv_sec: Int(whole), tv_nsec: Int((seconds - whole) * 1e9))
        var left = timespec()
        while unsafe nanosleep(&time, &left) != 0 && errno == EINTR { time = left }
    }
}
