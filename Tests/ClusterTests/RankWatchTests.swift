import Cluster
import Testing

/// A simulation of ranks: the test provides time and heartbeats.
private struct Simulation {
    var watch: RankWatch
    var activities: [Activity]
    var silent: Set<Int> = []
    var frozen: Set<Int> = []
    var now = 0.0
    private let rank: Int

    init(rank: Int = 0, hosts: [String] = ["a", "b", "c", "d"]) {
        self.rank = rank
        watch = RankWatch(rank: rank, hosts: hosts, now: 0)
        activities = hosts.map { _ in
            Activity(phase: "backward", isWaiting: false, progress: 0, steps: 0, step: 40)
        }
    }

    /// Runs until there is a verdict, for at most `seconds`; each rank makes one step per
    /// `stepTime`.
    mutating func run(_ seconds: Double, stepTime: Double = 1) -> RankWatch.Verdict? {
        let end = now + seconds
        let start = now
        let base = activities.map(\.steps)
        while now < end {
            now += 0.5
            for other in activities.indices where !silent.contains(other) {
                if frozen.isEmpty {
                    let steps = base[other] + Int((now - start) / stepTime)
                    let made = steps - activities[other].steps
                    activities[other].steps = steps
                    activities[other].step += made
                    activities[other].progress += made
                }
                watch.receive(.alive(activities[other]), from: other, now: now)
            }
            if let verdict = watch.look(now: now) { return verdict }
        }
        return nil
    }

    /// `rank` computes for ever and all others wait for it.
    mutating func loop(_ rank: Int) {
        frozen = [rank]
        for other in activities.indices { activities[other].isWaiting = other != rank }
    }
}

@Suite(.timeLimit(.minutes(30)))
struct RankWatchTests {
    @Test func aQuietJobIsLeftAlone() {
        var simulation = Simulation()
        #expect(simulation.run(1000) == nil)
    }

    @Test(arguments: [1, 3]) func aSilentRankIsNamedWithItsHostAndPhase(rank: Int) {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.silent = [rank]
        let before = simulation.now
        let verdict = simulation.run(60)
        let host = ["a", "b", "c", "d"][rank]
        #expect(
            verdict
                == .blame(
                    """
                    rank \(rank) (\(host)) has given no sign of life for 8 s, last after step 60, in phase 'backward': frozen, dead \
                    or cut off
                    """))
        #expect(simulation.now - before <= 10)
    }

    @Test func rankOneJudgesRankZeroAlone() {
        var simulation = Simulation(rank: 1)
        #expect(simulation.run(20) == nil)
        simulation.silent = [3]
        #expect(simulation.run(60) == nil)
        simulation.silent = [0]
        guard case .blame(let line) = simulation.run(20) else {
            Issue.record("rank 0 is not named")
            return
        }
        #expect(line.hasPrefix("rank 0 (a) has given no sign of life"))
    }

    @Test(arguments: [0, 1, 2]) func aRankThatHearsNobodyIsCutOffItself(rank: Int) {
        var simulation = Simulation(rank: rank)
        #expect(simulation.run(20) == nil)
        simulation.silent = Set(0..<4).subtracting([rank])
        let host = ["a", "b", "c"][rank]
        #expect(
            simulation.run(20)
                == .cutOff(
                    "rank \(rank) (\(host)) receives from no other host: this host is cut off from the others"
                )
        )
    }

    /// The last heartbeats of the others arrived one after another.
    @Test(arguments: [[2], [1, 3]]) func aRankThatHearsNobodyAnyMoreBlamesNobody(first: Set<Int>) {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.silent = first
        #expect(simulation.run(1) == nil)
        simulation.silent = [1, 2, 3]
        #expect(
            simulation.run(20)
                == .cutOff("rank 0 (a) receives from no other host: this host is cut off from the others"))
    }

    @Test func aRankThatWorksForEverIsNamedAndThoseThatWaitAreNot() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(2)
        guard case .blame(let line) = simulation.run(10) else {
            Issue.record("rank 2 is not named within 10 s")
            return
        }
        #expect(line.hasPrefix("rank 2 (c) has made no progress for 8 s, after step 60, in phase 'backward'"))
        #expect(!line.contains("rank 0") && !line.contains("rank 1") && !line.contains("rank 3"))
    }

    /// The ranks are as slow as on cores that other programs use.
    @Test func ranksThatAllWorkHaveFourTimesAsLong() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.frozen = [0, 1, 2, 3]
        #expect(simulation.run(30) == nil)
        guard case .blame(let line) = simulation.run(5) else {
            Issue.record("nothing is said")
            return
        }
        #expect(
            line.hasPrefix(
                "rank 0 (a) has made no progress for 32 s, after step 60, in phase 'backward'; rank 1 (b)"))
        #expect(line.hasSuffix("no rank makes progress"))
    }

    /// Rank 1 stops in an exchange with rank 0 after it has sent its part: rank 0 makes progress
    /// and waits for rank 1 at a later place, and all ranks look like they are waiting.
    @Test(arguments: [(5, 9), (6, 8)])
    func aRankThatStopsWhileItWaitsIsBehindTheOthers(collectives: Int, exchanges: Int) {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(1)
        for rank in 0..<4 {
            simulation.activities[rank].isWaiting = true
            simulation.activities[rank].collectives = rank == 1 ? collectives : 6
            simulation.activities[rank].exchanges = rank == 1 ? exchanges : 9
        }
        guard case .blame(let line) = simulation.run(10) else {
            Issue.record("rank 1 is not named within 10 s")
            return
        }
        #expect(line.hasPrefix("rank 1 (b) has made no progress for 8 s, after step 60"))
        #expect(line.contains("the other ranks wait for it") && !line.contains("rank 0"))
    }

    /// Rank 0 waits at the same place for a message that rank 2 has not sent; only rank 2 does not
    /// poll for messages.
    @Test func ofTwoAtOnePlaceTheOneThatPollsIsNotNamed() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(2)
        for rank in 0..<4 {
            simulation.activities[rank].isWaiting = true
            simulation.activities[rank].collectives = rank.isMultiple(of: 2) ? 6 : 7
            // The time of earlier waits does not count.
            simulation.activities[rank].progress += 1
            simulation.activities[rank].polling = 900
        }
        #expect(simulation.run(1) == nil)
        for rank in [0, 1, 3] { simulation.activities[rank].polling = 1200 }
        guard case .blame(let line) = simulation.run(10) else {
            Issue.record("rank 2 is not named within 11 s")
            return
        }
        #expect(line.hasPrefix("rank 2 (c) has made no progress for 8 s"))
        #expect(!line.contains("rank 0"), "\(line)")
    }

    @Test func whereNobodyIsBehindNobodyIsNamed() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(1)
        simulation.activities[1].isWaiting = true
        #expect(simulation.run(15) == nil)
        guard case .blame(let line) = simulation.run(5) else {
            Issue.record("nothing is said")
            return
        }
        #expect(line.hasPrefix("all ranks have waited for each other for 16 s"))
    }

    @Test func theDeadlineGrowsWithTheStep() {
        var simulation = Simulation()
        #expect(simulation.run(200, stepTime: 10) == nil)
        simulation.loop(2)
        let before = simulation.now
        #expect(simulation.run(100) != nil)
        #expect((45...50).contains(simulation.now - before))
    }

    @Test func aSlowPhaseHasTime() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(0)
        simulation.activities[0].patience = .files
        #expect(simulation.run(500) == nil)
        #expect(simulation.run(200) != nil)
    }

    /// Before the first step, and in work without steps.
    @Test func workWithoutStepsHasFiveMinutesAndRanksThatAllWaitHaveOne() {
        for (isWaiting, limit) in [(false, 300.0), (true, 60)] {
            var simulation = Simulation()
            simulation.loop(2)
            for rank in 0..<4 { simulation.activities[rank].patience = .work }
            simulation.activities[2].isWaiting = isWaiting
            #expect(simulation.run(limit) == nil)
            #expect(simulation.run(3) != nil)
        }
    }

    /// One rank computes for ever while the disk of another does not answer.
    @Test func aRankIsJudgedByItsOwnPatience() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.loop(1)
        simulation.activities[3].isWaiting = false
        simulation.activities[3].patience = .files
        guard case .blame(let line) = simulation.run(10) else {
            Issue.record("rank 1 is not named within 10 s")
            return
        }
        #expect(line.hasPrefix("rank 1 (b) has made no progress for 8 s") && !line.contains("rank 3"))
    }

    @Test func aFileThatIsWaitedForIsToldAfterAWhile() {
        let simulation = Simulation(rank: 2)
        #expect(simulation.watch.stalledFile("/data/shard", seconds: 7) == nil)
        #expect(
            simulation.watch.stalledFile("/data/shard", seconds: 12)
                == "rank 2 (c) has waited for the file system for 12 s, at /data/shard: the job continues when it answers, and ends after 600 s"
        )
    }

    @Test func aGapInTheOwnTimeIsNobodysFault() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.now += 100
        #expect(simulation.watch.look(now: simulation.now) == nil)
        #expect(simulation.run(20) == nil)
    }

    @Test func aRankThatHasLeftMayBeSilent() {
        var simulation = Simulation()
        #expect(simulation.run(20) == nil)
        simulation.watch.receive(.leaving, from: 3, now: simulation.now)
        simulation.silent = [3]
        #expect(simulation.run(100) == nil)
    }

    @Test func ranksThatWereNeverHeardAreToldOnce() {
        var simulation = Simulation()
        simulation.silent = [2, 3]
        #expect(simulation.run(20) == nil)
        let line = simulation.watch.unheardRanks(now: simulation.now)
        #expect(line?.hasPrefix("no heartbeats from 2 ranks, rank 2 (c) for one") == true)
        #expect(simulation.watch.unheardRanks(now: simulation.now) == nil)
    }

    @Test(arguments: [true, false]) func aSlowRankIsNamedOnceWithTheCause(waitsForData: Bool) {
        var simulation = Simulation()
        var lines: [String] = []
        for step in 0..<100 {
            for rank in 0..<4 {
                let extra: Int64 = rank == 3 && step < 50 ? 60_000_000 : 0
                simulation.activities[rank].dataTime += waitsForData ? extra : 1_000_000
                simulation.activities[rank].computeTime += 100_000_000 + (waitsForData ? 0 : extra)
            }
            #expect(simulation.run(1) == nil)
            lines += simulation.watch.slowRanks(now: simulation.now)
        }
        let cause =
            waitsForData
            ? "waiting for data: 60 ms a step against 0 ms" : "computing: 160 ms a step against 100 ms"
        #expect(lines == ["rank 3 (d) is 1.6 times slower than the median rank, by \(cause)"])
    }

    /// Twenty short steps while another program runs.
    @Test func someSlowSecondsAreNoNews() {
        var simulation = Simulation()
        for second in 0..<100 {
            for rank in 0..<4 {
                let slow: Int64 = rank == 3 && second % 20 < 5 ? 100_000_000 : 0
                simulation.activities[rank].computeTime += 5 * (100_000_000 + slow)
            }
            #expect(simulation.run(1, stepTime: 0.2) == nil)
            #expect(simulation.watch.slowRanks(now: simulation.now) == [])
        }
    }

    @Test func heartbeatsAreReadAsSentAndOthersAreNot() {
        let activity = Activity(
            phase: "data, waiting", patience: .files, isWaiting: true, progress: 1 << 40, collectives: 81,
            exchanges: 162, polling: 8_123, steps: 7, step: 900, dataTime: -5, computeTime: .max)
        for heartbeat in [Heartbeat.alive(activity), .leaving, .ending] {
            let message = heartbeat.message(from: 2, job: 99)
            let read = Heartbeat.read(message, job: 99, worldSize: 3)
            #expect(read?.rank == 2 && read?.1 == heartbeat)
            #expect(Heartbeat.read(message, job: 98, worldSize: 3) == nil)
            #expect(Heartbeat.read(message, job: 99, worldSize: 2) == nil)
            for count in 0..<message.count {
                #expect(Heartbeat.read(message.prefix(count), job: 99, worldSize: 3) == nil)
            }
        }
        var wrong = Heartbeat.alive(activity).message(from: 0, job: 1)
        for field in [3, 4, 6, 11] {
            let right = wrong
            for i in 8 * field..<8 * field + 8 { wrong[i] = 0xff }
            #expect(Heartbeat.read(wrong, job: 1, worldSize: 1) == nil)
            wrong = right
        }
        wrong[wrong.count - 1] = 0x1b
        #expect(Heartbeat.read(wrong, job: 1, worldSize: 1) == nil)
        let long = Activity(
            phase: String(repeating: "ä-", count: 99), isWaiting: false, progress: 0, steps: 0, step: 0)
        let read = Heartbeat.read(Heartbeat.alive(long).message(from: 0, job: 1), job: 1, worldSize: 1)
        guard case .alive(let activity) = read?.1 else {
            Issue.record("a long name is not read")
            return
        }
        #expect(activity.phase == String(repeating: "-", count: 64))
    }
}
