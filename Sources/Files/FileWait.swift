internal import Glibc
internal import Synchronization

/// Calls to the file system that this process waits in: a disk or server that does not answer holds its thread, and nobody else can
/// tell that from work.
public enum FileWait {
    private struct State {
        var calls: [Int: (path: String, start: ContinuousClock.Instant)] = [:]
        var count = 0
    }

    private static let state = Mutex(State())

    /// Runs a call that may have to wait; leaves `errno` as the call left it.
    ///
    /// - Parameter path: What it waits for.
    public static func during<Result: ~Copyable, Failure: Error>(
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

    /// The call that has waited longest, and since when; `nil` if none is under way.
    public static var longest: (path: String, start: ContinuousClock.Instant)? {
        state.withLock { $0.calls.values.min { $0.start < $1.start } }
    }
}
