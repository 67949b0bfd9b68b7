import Foundation
import Testing
import Workers

@Suite(.timeLimit(.minutes(30)))
struct StartedThreadTests {
    @Test func aThreadRunsWithItsNameAndStack() throws {
        let done = DispatchSemaphore(value: 0)
        let name = Locked("")
        try startThread(named: "a thread of many letters", stackByteCount: 4 << 20) {
            let own = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            name.set(own ?? "")
            done.signal()
        }
        done.wait()
        #expect(name.value == "a thread of man\n")
    }

    @Test func allLimitsAreNamed() throws {
        try FakeSystem.with { system in
            try system.mountUnified("/job/rank")
            try system.write("Name:\tt2fnorm\nThreads:\t7\n", to: "/proc/self/status")
            try system.write("max\n", to: "/sys/fs/cgroup/job/rank/pids.max")
            try system.write("9\n", to: "/sys/fs/cgroup/job/rank/pids.current")
            try system.write("64\n", to: "/sys/fs/cgroup/job/pids.max")
            try system.write("64\n", to: "/sys/fs/cgroup/job/pids.current")
            try system.write("1000\n", to: "/proc/sys/kernel/threads-max")
            var limits = ThreadLimits.current(root: system.root)
            limits.user = 4096
            #expect(
                limits.description
                    == """
                    this process has 7 threads, its user may have 4096 (ulimit -u), the control group \
                    \(system.root)/sys/fs/cgroup/job has 64 of 64 (pids.max), the host may have 1000 (kernel.threads-max)
                    """)
        }
    }

    @Test func anErrorSaysWhichThreadAndWhatToDo() {
        let text = "\(ThreadError(name: "worker 3", code: EAGAIN))"
        #expect(text.hasPrefix("could not start the thread 'worker 3': resource temporarily unavailable; "))
        #expect(text.contains("(ulimit -u)") && text.hasSuffix("or fewer ranks on this host"), "\(text)")
    }
}

/// A value passed between threads.
private final class Locked: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: String

    init(_ value: String) { stored = value }

    var value: String { lock.withLock { stored } }
    func set(_ value: String) { lock.withLock { stored = value } }
}
