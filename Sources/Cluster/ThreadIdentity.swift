internal import Glibc

/// A thread of this process.
package struct ThreadIdentity: Sendable {
    private let handle: pthread_t
    /// The kernel's thread id; 0 if unknown.
    private let number: Int32

    /// The calling thread.
    package static var current: ThreadIdentity {
        var target = [UInt8](repeating: 0, count: 64)
        // The target of the link is PROCESS/task/THREAD.
        let count = unsafe target.withUnsafeMutableBytes {
            unsafe readlink("/proc/thread-self", $0.baseAddress!, $0.count)
        }
        let name = String(decoding: target.prefix(max(count, 0)), as: UTF8.self).split(separator: "/").last
        return ThreadIdentity(handle: pthread_self(), number: name.flatMap { Int32($0) } ?? 0)
    }

    package var isCurrent: Bool { pthread_equal(handle, pthread_self()) != 0 }

    /// The system time of the thread so far, in milliseconds; 0 if the kernel does not report it.
    package var millisecondsInSystem: Int {
        let descriptor = unsafe open("/proc/self/task/\(number)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        // The thread's name, in parentheses, may contain any character. The 3rd field of
        // proc_pid_stat(5) follows it; the 15th, the system time, is in clock ticks.
        guard let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[end...].dropFirst().split(separator: " ")
        guard fields.count > 12, let ticks = Int(fields[12]) else { return 0 }
        return ticks * 1000 / max(Int(sysconf(Int32(_SC_CLK_TCK))), 1)
    }
}
