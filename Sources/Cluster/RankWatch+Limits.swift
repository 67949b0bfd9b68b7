extension RankWatch {
    /// Limits in seconds.
    package struct Limits {
        /// The shortest time without a heartbeat, or without progress, that counts as a failure.
        package var least = 8.0
        /// The time without progress that counts as a failure, in median step times, if that is
        /// longer than `least`.
        package var steps = 4.5
        /// The factor on the limit while no rank waits for another: no rank then blocks another,
        /// and the machine may just be busy.
        package var unwaited = 4.0
        /// For work of unknown length: before the first steps, and in phases without steps.
        package var work = 300.0
        /// For a file system that does not answer.
        package var files = 600.0
        /// For ranks that all wait for each other before the first steps.
        package var waiting = 60.0
        /// The delay between one rank that may report lost judges and the next one, so that only
        /// one of them reports.
        package var turn = 1.0
        /// If two calls of `look` are this far apart, this process itself was stopped.
        package var gap = 2.0
        /// A rank this many times slower than the median is slow.
        package var slowness = 1.3
        /// The least number of steps over which slowness is measured, and the least number of
        /// seconds that they take: a few seconds of load by another program are not reported.
        package var slowSteps = 20
        package var slowTime = 20.0
        /// The least system time, in milliseconds, that a thread which polls for messages uses
        /// between the last progress and the verdict.
        package var polling = 50
        /// Seconds per step by which a slow rank must exceed the median, whatever the ratio.
        package var slowLeast = 0.005

        package init() {}
    }
}
