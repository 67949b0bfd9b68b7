internal import Glibc

/// Failures of system calls that say nothing about a file: a server, a network, a disk or a busy system did not answer this time.
///
/// Such a call is made again a few times. Only wrong bytes are damage; what still fails is the system's fault and ends the job.
public enum PassingFault {
    /// Seconds before each further try, three in all: a mount that waits for its server has waited before it says so.
    private static let pauses = [0.1, 0.2, 0.4, 0.8, 1.6]

    private static let codes: Set<Int32> = [
        EAGAIN, EBUSY, EIO, ENOBUFS, ENOLCK, ENOMEM, EREMOTEIO, ESTALE, ETIMEDOUT,
        // Of a network file system whose server or connection is gone for a while.
        ECOMM, ECONNABORTED, ECONNREFUSED, ECONNRESET, EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETRESET,
        ENETUNREACH,
        ENOLINK, ENOTCONN, EPROTO, ESHUTDOWN,
    ]

    /// Whether a call that failed with `code` may succeed when it is made again.
    public static func isPassing(_ code: Int32) -> Bool { codes.contains(code) }

    /// Whether `code` is the system's fault and not the file's: a passing one that has not passed, or a limit of descriptors.
    public static func isSystemFault(_ code: Int32) -> Bool {
        isPassing(code) || DescriptorLimit.isReached(code)
    }

    /// Makes a system call that changes nothing, again after a pause where its failure may pass; at once where a signal interrupted it.
    ///
    /// - Parameters:
    ///   - renew: Called before another try where the file's handle is stale (`ESTALE`).
    ///   - call: Returns a negative number and sets `errno` where it fails.
    /// - Returns: The last try's result; `errno` is that one's.
    public static func retry<Result: SignedInteger>(
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

    /// Makes a system call again as long as a signal interrupts it.
    public static func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
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
