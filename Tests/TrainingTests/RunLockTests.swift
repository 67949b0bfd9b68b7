import Cluster
import Failures
import Foundation
import Synchronization
import TestSupport
import Testing
import Training

/// One job at a time writes to a run directory, however the previous one ended.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct RunLockTests {
    private func with(_ body: (RunDirectory) throws -> Void) throws {
        try withTemporaryFolder { try body(RunDirectory(path: "\($0)/runs/r/s0")) }
    }

    /// Short intervals; a host never counts as lost unless `lost` is given.
    private func timing(lost: Duration = .seconds(3600), watch: Duration = .milliseconds(50))
        -> RunLock.Timing
    {
        var timing = RunLock.Timing()
        timing.heartbeat = .seconds(3600)
        timing.poll = .milliseconds(5)
        timing.lost = lost
        timing.watch = watch
        return timing
    }

    private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    /// Leaves the lock of a job that no longer exists: this process's lock, modified by `change`.
    private func leaveLock(
        in directory: RunDirectory, _ change: (inout [String: Any]) -> Void
    ) throws {
        let lock = try RunLock(of: directory, timing: timing())
        let bytes = try Data(contentsOf: URL(filePath: directory.lockPath))
        lock.release()
        var holder = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        var process = try #require(holder["process"] as? [String: Any])
        change(&process)
        holder["process"] = process
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        try JSONSerialization.data(withJSONObject: holder).write(to: URL(filePath: directory.lockPath))
    }

    private func setTime(_ date: Date, of directory: RunDirectory) throws {
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: directory.lockPath)
    }

    @Test func aSecondJobIsRefusedWithHostAndProcessAndJob() throws {
        try with { directory in
            let lock = try RunLock(of: directory, timing: timing())
            let error = #expect(throws: RunLockError.self) {
                _ = try RunLock(of: directory, timing: timing())
            }
            let text = error?.description ?? ""
            for part in [
                directory.path, "process \(getpid()) on \(ProcessInfo.processInfo.hostName) (", "job",
                "--take-over",
            ] { #expect(text.contains(part), "\(text)") }
            try lock.check()
            lock.release()
            #expect(!exists(directory.lockPath))
            try RunLock(of: directory, timing: timing()).release()
        }
    }

    @Test func aFolderThatWasMadeForTheLockGoesWithIt() throws {
        try with { directory in
            let first = try RunLock(of: directory, timing: timing())
            first.release()
            #expect(!exists(directory.path))
            let second = try RunLock(of: directory, timing: timing())
            try Data().write(to: URL(filePath: "\(directory.path)/config.yml"))
            second.release()
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["config.yml"])
        }
    }

    @Test func aProcessOfThisHostFreesTheLockWithItsEnd() throws {
        try with { directory in
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sleep")
            process.arguments = ["3600"]
            try process.run()
            let fields = try String(
                contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8
            )
            .split(separator: ") ").last?.split(separator: " ")
            let start = try #require(fields.flatMap { UInt64($0[19]) })
            let leave = { (start: UInt64) in
                try leaveLock(in: directory) {
                    $0["process"] = process.processIdentifier
                    $0["start"] = start
                }
            }
            // Another process has the process number now.
            try leave(start + 1)
            try RunLock(of: directory, timing: timing()).release()
            try leave(start)
            #expect(throws: RunLockError.self) { _ = try RunLock(of: directory, timing: timing()) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try RunLock(of: directory, timing: timing()).release()
        }
    }

    @Test(arguments: ["boot", "host", "namespace"])
    func aHostThatThisOneCannotSeeIsLostBySilence(key: String) throws {
        try with { directory in
            try leaveLock(in: directory) { $0[key] = "another" }
            var reported: [String] = []
            try RunLock(of: directory, timing: timing(lost: .milliseconds(200))) { reported.append($0) }
                .release()
            #expect(reported.count == 1 && reported.first?.contains("sign of life") == true, "\(reported)")
            // By the file server's clock the last heartbeat is old: a short watch is enough.
            try leaveLock(in: directory) { $0[key] = "another" }
            try setTime(Date(timeIntervalSinceNow: -10_000), of: directory)
            try RunLock(of: directory, timing: timing()).release()
        }
    }

    /// Heartbeats from a host whose clock is hours behind, or ahead.
    @Test(arguments: [-36_000.0, 36_000])
    func aHostThatGivesSignsOfLifeIsNotLostWhateverItsClock(offset: Double) throws {
        try with { directory in
            try leaveLock(in: directory) { $0["boot"] = "another" }
            let isOver = Mutex(false)
            let path = directory.lockPath
            let beating = Thread {
                var time = Date(timeIntervalSinceNow: offset)
                while !isOver.withLock({ $0 }) {
                    time += 1
                    try? FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
                    Thread.sleep(forTimeInterval: 0.001)
                }
            }
            beating.start()
            defer { isOver.withLock { $0 = true } }
            #expect(throws: RunLockError.self) {
                _ = try RunLock(of: directory, timing: timing(lost: .seconds(120), watch: .seconds(60)))
            }
        }
    }

    @Test func aJobIsTakenOverOnRequestAndTheOtherHearsOfIt() throws {
        try with { directory in
            let first = try RunLock(of: directory, timing: timing())
            let second = try RunLock(of: directory, takesOver: true, timing: timing())
            let error = #expect(throws: RunLockError.self) { try first.check() }
            #expect(error?.description.contains("was taken over by process \(getpid())") == true)
            first.release()
            #expect(exists(directory.lockPath))
            try second.check()
            second.release()
            #expect(!exists(directory.lockPath))
        }
    }

    @Test func aLockThatSomebodyDeletedComesBack() throws {
        try with { directory in
            let lock = try RunLock(of: directory, timing: timing())
            try FileManager.default.removeItem(atPath: directory.lockPath)
            try lock.check()
            #expect(throws: RunLockError.self) { _ = try RunLock(of: directory, timing: timing()) }
            lock.release()
        }
    }

    /// With the lock of a process that has ended, or without a lock.
    @Test(arguments: [true, false]) func ofManyStartsAtOnceOneHasIt(isLeft: Bool) throws {
        for _ in 0..<20 {
            try with { directory in
                if isLeft { try leaveLock(in: directory) { $0["start"] = 1 } }
                let timing = timing()
                let outcomes = try ThreadedWorld.run(size: 6) { rank, world -> Bool in
                    _ = world.exchange(0, rank: rank)
                    let lock = try? RunLock(of: directory, timing: timing)
                    _ = world.exchange(0, rank: rank)
                    let isHeld = lock != nil && lock?.failure == nil
                    if isHeld { try lock?.check() }
                    _ = world.exchange(0, rank: rank)
                    lock?.release()
                    return isHeld
                }
                #expect(outcomes.count { $0 } == 1)
                #expect(!exists(directory.lockPath))
            }
        }
    }

    @Test func allRanksOfASecondJobEndWithTheEnvironmentsCode() throws {
        try SmallRun.with { run in
            let lock = try RunLock(of: RunDirectory(run.configuration), timing: timing())
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2) }
            #expect(
                failure.exitCode == ExitCode.environment && failure.message.contains("is in use by process"))
            lock.release()
            try run.train(ranks: 2)
            #expect(!exists(RunDirectory(run.configuration).lockPath))
        }
    }

    /// A job that is taken over in the middle of its run ends, and writes no further checkpoint.
    @Test func aJobThatIsTakenOverEnds() throws {
        try SmallRun.with { run in
            let directory = RunDirectory(run.configuration)
            let other = Mutex<RunLock?>(nil)
            let timing = timing()
            let failure = try #require(throws: JobFailure.self) {
                try run.train(ranks: 2) { rank, step in
                    if rank == 0 && step == 2 {
                        other.withLock { $0 = try? RunLock(of: directory, takesOver: true, timing: timing) }
                    }
                    return nil
                }
            }
            #expect(failure.exitCode == ExitCode.environment && failure.message.contains("was taken over by"))
            #expect(try run.checkpoint() == nil)
            other.withLock { $0?.release() }
        }
    }
}
