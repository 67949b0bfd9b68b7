internal import Glibc
internal import Synchronization

/// The file-system calls in which this process waits: a disk or server that does not answer blocks
/// the thread, which other threads cannot tell from work.
package enum FileWait {
    private struct State {
        var calls: [Int: (path: String, start: ContinuousClock.Instant)] = [:]
        var count = 0
    }

    private static let state = Mutex(State())

    /// Runs a call that may block; leaves `errno` as the call set it.
    ///
    /// - Parameter path: The file or folder that it waits for.
    package static func during<Result: ~Copyable, Failure: Error>(
        _ path: String, _ call: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let number = state.withLock {
            $0.count += 1
            $0.calls[$0.count] = (path, .now)
            return $0.count
        }
        defer {
            let code = errno
            state.withLock { _ = $0.calls.removeValue(forKey: number) }
            errno = code
        }
        return try call()
    }

    /// The call that has waited longest, and since when; `nil` if none is in progress.
    package static var longest: (path: String, start: ContinuousClock.Instant)? {
        state.withLock { $0.calls.values.min { $0.start < $1.start } }
    }
}
