/// What a rank is doing, as it tells those who watch it.
public struct Activity: Equatable, Sendable {
    /// Place of the phase in the list of names that the watchdog was given.
    public var phase: Int
    /// Whether it waits for other ranks.
    public var isWaiting: Bool
    /// Whether the phase may take long without progress, as writing to a slow disk does.
    public var isSlow: Bool
    /// Grows whenever the rank gets on.
    public var progress: Int
    /// Collective functions that the rank has begun; all ranks call the same ones in the same order.
    public var collectives: Int
    /// Exchanges with single ranks that it has begun inside them, likewise; 0 where the world size is no power of two.
    public var exchanges: Int
    /// Updates made so far in this process.
    public var steps: Int
    /// Updates of the run, with those of earlier jobs.
    public var step: Int
    /// Nanoseconds spent waiting for data, since the start.
    public var dataTime: Int64
    /// Nanoseconds spent computing, since the start; waiting for other ranks is not in it.
    public var computeTime: Int64

    public init(
        phase: Int, isWaiting: Bool, isSlow: Bool = false, progress: Int, collectives: Int = 0,
        exchanges: Int = 0, steps: Int, step: Int, dataTime: Int64 = 0, computeTime: Int64 = 0
    ) {
        self.phase = phase
        self.isWaiting = isWaiting
        self.isSlow = isSlow
        self.progress = progress
        self.collectives = collectives
        self.exchanges = exchanges
        self.steps = steps
        self.step = step
        self.dataTime = dataTime
        self.computeTime = computeTime
    }
}

/// What ranks send each other outside MPI.
package enum Heartbeat: Equatable {
    /// The rank lives, and does this.
    case alive(Activity)
    /// The rank is no longer to be watched.
    case leaving
    /// The rank has named a culprit and ends the job.
    case ending

    /// A message of the job with number `job`.
    package func message(from rank: Int, job: UInt64) -> [UInt8] {
        var fields: [UInt64] = [job, UInt64(rank)]
        switch self {
        case .leaving: fields.append(1)
        case .ending: fields.append(2)
        case .alive(let activity):
            fields += [
                0, UInt64(activity.phase), activity.isWaiting ? 1 : 0, activity.isSlow ? 1 : 0,
                UInt64(activity.progress), UInt64(activity.collectives), UInt64(activity.exchanges),
                UInt64(activity.steps), UInt64(activity.step),
                UInt64(bitPattern: activity.dataTime), UInt64(bitPattern: activity.computeTime),
            ]
        }
        return fields.flatMap { field in (0..<8).map { UInt8(truncatingIfNeeded: field >> (8 * $0)) } }
    }

    /// The sender and what it says; `nil` for what is no message of the job.
    package static func read(_ bytes: some Collection<UInt8>, job: UInt64, worldSize: Int) -> (
        rank: Int, Heartbeat
    )? {
        guard bytes.count == 24 || bytes.count == 104 else { return nil }
        var fields = [UInt64](repeating: 0, count: bytes.count / 8)
        for (i, byte) in bytes.enumerated() { fields[i / 8] |= UInt64(byte) << (8 * (i % 8)) }
        guard fields[0] == job, let rank = Int(exactly: fields[1]), rank < worldSize else { return nil }
        switch (fields[2], fields.count) {
        case (1, 3): return (rank, .leaving)
        case (2, 3): return (rank, .ending)
        case (0, 13):
            let counts = fields[3...10].compactMap { Int(exactly: $0) }
            guard counts.count == 8 else { return nil }
            return (
                rank,
                .alive(
                    Activity(
                        phase: counts[0], isWaiting: counts[1] != 0, isSlow: counts[2] != 0,
                        progress: counts[3], collectives: counts[4], exchanges: counts[5], steps: counts[6],
                        step: counts[7], dataTime: Int64(bitPattern: fields[11]),
                        computeTime: Int64(bitPattern: fields[12])))
            )
        default: return nil
        }
    }
}
