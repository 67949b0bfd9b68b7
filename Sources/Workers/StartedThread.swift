internal import Foundation

/// Starts a thread that runs `body` and ends with it.
///
/// Foundation's `Thread` says nothing where the system gives none, and whoever counts on it waits for ever.
///
/// - Parameters:
///   - name: As tools such as `top -H` show it, which cut it to 15 bytes.
///   - stackByteCount: Of its stack; the system's default if it is `nil`.
/// - Throws: If the system refuses; names the limits that hold for this process.
public func startThread(
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

/// The beginning of a thread, whose work it takes over.
private func runWork(_ work: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let work = unsafe work else { return nil }
    unsafe Unmanaged<ThreadWork>.fromOpaque(work).takeRetainedValue().run()
    return nil
}

/// What a new thread is to do.
private final class ThreadWork: Sendable {
    private let name: String
    private let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        // Foundation names only threads that it has started, and the function of the C library is a macro away from Swift.
        try? Data(name.utf8.prefix(15)).write(to: URL(filePath: "/proc/thread-self/comm"))
        body()
    }
}
