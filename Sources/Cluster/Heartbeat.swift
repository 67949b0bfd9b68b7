/// What a rank is doing, as it tells those who watch it.
public struct Activity: Equatable, Sendable {
    /// How long a rank may stay at one place before it is taken for lost.
    public enum Patience: UInt64, Sendable {
        /// Some steps: a part of one.
        case steps
        /// Work that has no steps, of which nobody knows how long it takes: as long as the processor works on it.
        case work
        /// A file system that does not answer, which may come back.
        case files
    }

    /// One word or a few; at most `longestPhase` printable ASCII characters are sent.
    public var phase: String
    public var patience: Patience
    /// Whether it waits for other ranks.
    public var isWaiting: Bool
    /// Grows whenever the rank gets on.
    public var progress: Int
    /// Collective functions that the rank has begun; all ranks call the same ones in the same order.
    public var collectives: Int
    /// Exchanges with single ranks that it has begun inside them, likewise; 0 where the world size is no power of two.
    public var exchanges: Int
    /// Milliseconds that the thread which waits for other ranks has spent in the system: grows while it asks for messages.
    public var polling: Int
    /// Updates made so far in this process.
    public var steps: Int
    /// Updates of the run, with those of earlier jobs.
    public var step: Int
    /// Nanoseconds spent waiting for data, since the start.
    public var dataTime: Int64
    /// Nanoseconds spent computing, since the start; waiting for other ranks is not in it.
    public var computeTime: Int64

    static let longestPhase = 64

    public init(
        phase: String, patience: Patience = .steps, isWaiting: Bool, progress: Int, collectives: Int = 0,
        exchanges: Int = 0, polling: Int = 0, steps: Int, step: Int, dataTime: Int64 = 0,
        computeTime: Int64 = 0
    ) {
        self.phase = phase
        self.patience = patience
        self.isWaiting = isWaiting
        self.progress = progress
        self.collectives = collectives
        self.exchanges = exchanges
        self.polling = polling
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

    /// A message of the job with number `job`: numbers of eight bytes, then the phase's name.
    package func message(from rank: Int, job: UInt64) -> [UInt8] {
        var fields: [UInt64] = [job, UInt64(rank)]
        var name: [UInt8] = []
        switch self {
        case .leaving: fields.append(1)
        case .ending: fields.append(2)
        case .alive(let activity):
            name = activity.phase.utf8.filter(Self.isPrintable).prefix(Activity.longestPhase).map(\.self)
            fields += [
                0, UInt64(name.count), activity.patience.rawValue, activity.isWaiting ? 1 : 0,
                UInt64(activity.progress), UInt64(activity.collectives), UInt64(activity.exchanges),
                UInt64(activity.polling), UInt64(activity.steps), UInt64(activity.step),
                UInt64(bitPattern: activity.dataTime), UInt64(bitPattern: activity.computeTime),
            ]
        }
        return fields.flatMap { field in (0..<8).map { UInt8(truncatingIfNeeded: field >> (8 * $0)) } } + name
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x20..<0x7f).contains(byte) }

    /// The sender and what it says; `nil` for what is no message of the job.
    package static func read(_ bytes: some Collection<UInt8>, job: UInt64, worldSize: Int) -> (
        rank: Int, Heartbeat
    )? {
        let short = 24
        let long = 112
        guard bytes.count == short || (long...long + Activity.longestPhase).contains(bytes.count) else {
            return nil
        }
        var fields = [UInt64](repeating: 0, count: min(bytes.count, long) / 8)
        for (i, byte) in bytes.prefix(long).enumerated() { fields[i / 8] |= UInt64(byte) << (8 * (i % 8)) }
        guard fields[0] == job, let rank = Int(exactly: fields[1]), rank < worldSize else { return nil }
        switch (fields[2], bytes.count) {
        case (1, short): return (rank, .leaving)
        case (2, short): return (rank, .ending)
        case (0, long...):
            return activity(fields, name: Array(bytes.dropFirst(long))).map { (rank, .alive($0)) }
        default: return nil
        }
    }

    private static func activity(_ fields: [UInt64], name: [UInt8]) -> Activity? {
        let counts = fields[6...11].compactMap { Int(exactly: $0) }
        guard let patience = Activity.Patience(rawValue: fields[4]), fields[3] == UInt64(name.count),
            name.allSatisfy(isPrintable), counts.count == 6
        else { return nil }
        return Activity(
            phase: String(decoding: name, as: UTF8.self), patience: patience, isWaiting: fields[5] != 0,
            progress: counts[0], collectives: counts[1], exchanges: counts[2], polling: counts[3],
            steps: counts[4], step: counts[5], dataTime: Int64(bitPattern: fields[12]),
            computeTime: Int64(bitPattern: fields[13]))
    }
}
