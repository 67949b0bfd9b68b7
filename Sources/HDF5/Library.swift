internal import CHDF5
internal import Files
internal import Foundation

/// The lock that guards every call into the C library.
///
/// Debian's serial build has such a lock inside; this one also keeps the calls of one operation
/// together. It is recursive because a handle may be released inside or outside an operation.
enum Library {
    private static let mutex = NSRecursiveLock()
    /// Disables the library's exit handler, which must happen before any other call into the
    /// library.
    ///
    /// Files are closed by their owners, so the handler has nothing to do. After a failed `H5Fopen`
    /// of a damaged file the library (1.10.8) cannot shut down: it tries a hundred times, then
    /// prints "infinite loop closing library". It would also shut down while threads still read.
    private static let hasNoEnd: Void = { _ = H5dont_atexit() }()

    static func lock() {
        mutex.lock()
        Self.hasNoEnd
        // The setting is per thread; without it the library prints its errors.
        _ = H5Eset_auto2(0, nil, nil)
    }

    static func unlock() { mutex.unlock() }
}

/// An action on an object, for its errors.
struct Operation {
    let action: String
    let file: String
    var object: String?

    /// Returns `result`, or throws if it is negative, which is how the C library reports a failure.
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

/// The system's error number that the library's drivers write into their messages:
/// `…, errno = 24, …`.
private func systemCode(in message: String) -> Int32? {
    guard let mark = message.range(of: "errno = ") else { return nil }
    return Int32(message[mark.upperBound...].prefix { $0.isNumber })
}

/// The innermost message of this thread's error stack.
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
