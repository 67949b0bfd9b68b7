internal import CHDF5
internal import Files
internal import Foundation

/// The one lock that every call into the C library is made under.
///
/// Debian's serial build has the same lock inside; ours also keeps the calls of one operation together. It is
/// recursive because a handle may be released inside an operation or outside of all.
enum Library {
    private static let mutex = NSRecursiveLock()
    /// Keeps the library from ending itself at the process's exit, which has to be asked for before anything else of it is used.
    ///
    /// Files are closed by their owners, so there is nothing left for it to do. A failed `H5Fopen` of a damaged file leaves it (1.10.8) in a
    /// state that it cannot end: it tries a hundred times, then prints "infinite loop closing library". And it would end beneath
    /// threads that still read.
    private static let hasNoEnd: Void = { _ = H5dont_atexit() }()

    static func lock() {
        mutex.lock()
        Self.hasNoEnd
        // The setting belongs to the thread: without it the library prints its errors.
        _ = H5Eset_auto2(0, nil, nil)
    }

    static func unlock() { mutex.unlock() }
}

/// What is being done to which object, for the error that may come of it.
struct Operation {
    let action: String
    let file: String
    var object: String?

    /// Hands `result` on, or throws if it is negative, which is how the C library reports a failure.
    @discardableResult
    func check<Result: SignedInteger>(_ call: String, _ result: Result) throws(HDF5Error) -> Result {
        guard result < 0 else { return result }
        let message = innermostMessage()
        if let code = message.flatMap(systemCode), PassingFault.isSystemFault(code) {
            errno = code
            var error = error("\(systemMessage()) (\(call))")
            error.isSystemFault = true
            throw error
        }
        throw error("\(message ?? "no message") (\(call))")
    }

    func error(_ reason: String) -> HDF5Error {
        HDF5Error(action: action, file: file, object: object, reason: reason)
    }
}

/// The system's error number that the library's drivers write into their messages: `…, errno = 24, …`.
private func systemCode(in message: String) -> Int32? {
    guard let mark = message.range(of: "errno = ") else { return nil }
    return Int32(message[mark.upperBound...].prefix { $0.isNumber })
}

/// The deepest entry of this thread's error stack.
private func innermostMessage() -> String? {
    var message: String?
    unsafe withUnsafeMutablePointer(to: &message) { target in
        _ = unsafe H5Ewalk2(
            0, H5E_WALK_UPWARD,
            { depth, entry, target in
                if depth == 0, let text = unsafe entry?.pointee.desc {
                    unsafe target?.assumingMemoryBound(to: String?.self).pointee = String(cString: text)
                }
                return 0
            }, target)
    }
    return message
}
