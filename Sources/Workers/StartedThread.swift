internal import Foundation

/// Starts a thread that runs `body` and ends with it.
///
/// Foundation's `Thread` reports no error if the system refuses the thread, and code that depends
/// on the thread then waits for ever.
///
/// - Parameters:
///   - name: The name that tools such as `top -H` show; cut to 15 bytes.
///   - stackByteCount: Size of the thread's stack; `nil` for the system's default.
/// - Throws: `ThreadError` if the system refuses; it names the limits that apply to this process.
package func startThread(
    named name: String, stackByteCount: Int? = nil, _ body: @escaping @Sendable () -> Void
) throws(ThreadError) {
    let work = unsafe Unmanaged.passRetained(ThreadWork(name, body))
    let code = unsafe withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { attributes in
        let attributes = attributes.baseAddress!
        unsafe pthread_attr_init(attributes)
        defer { unsafe pthread_attr_destroy(attributes) }
        unsafe pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        if let stackByteCount { unsafe pthread_attr_setstacksize(attributes, stackByteCount) }
        var thread: pthread_t = 0
        return unsafe pthread_create(&thread, attributes, runWork, work.toOpaque())
    }
    guard code == 0 else {
        unsafe work.release()
        throw ThreadError(name: name, code: code)
    }
}

/// Entry point of a thread; takes ownership of its work.
private func runWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let work = unsafe work else { return nil }
    unsafe Unmanaged<ThreadWork>.fromOpaque(work).takeRetainedValue().run()
    return nil
}

/// The name and the body of a new thread.
private final class ThreadWork: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        // Foundation names only threads that it has started, and the C library declares its
        // function only with a macro that Swift's import does not define.
        try? Data(name.utf8.prefix(15)).write(to: URL(filePath: "/proc/thread-self/comm"))
        body()
    }
}
