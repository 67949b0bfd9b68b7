internal import Foundation

/// CPU time of this thread since it started; other programs and threads do not add to it.
package func threadTime() -> Duration {
    var time = timespec()
    let status = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    precondition(status == 0, "no clock of the thread's own time")
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// CPU time of `body` on this thread.
package func threadTime(of body: () -> Void) -> Duration {
    let start = threadTime()
    body()
    return threadTime() - start
}
