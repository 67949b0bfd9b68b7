/// The activity of a rank, as its heartbeats report it.
package struct Activity: Equatable, Sendable {
    /// How long a rank may go without progress before it counts as lost.
    package enum Patience: UInt64, Sendable {
        /// A few step times: the work is part of a step.
        case steps
        /// As long as the process uses CPU time: work without steps, whose length is unknown.
        case work
        /// The longest: a file system that does not answer may recover.
        case files
    }

    /// One word or a few; at most `longestPhase` printable ASCII characters are sent.
    package var phase: String
    package var patience: Patience
    /// Whether the rank waits for other ranks.
    package var isWaiting: Bool
    /// Grows whenever the rank makes progress.
    package var progress: Int
    /// The number of collective functions that the rank has begun; all ranks call the same ones in
    /// the same order.
    package var collectives: Int
    /// The number of pairwise exchanges that the rank has begun inside collective functions,
    /// likewise the same on all ranks; 0 if the world size is not a power of two.
    package var exchanges: Int
    /// The system time, in milliseconds, of the thread that waits for other ranks; grows while it
    /// polls for messages.
    package var polling: Int
    /// The number of updates so far in this process.
    package var steps: Int
    /// The number of updates of the run, including those of earlier jobs.
    package var step: Int
    /// Nanoseconds spent waiting for data, since the start.
    package var dataTime: Int64
    /// Nanoseconds spent computing, since the start, without waiting for other ranks.
    package var computeTime: Int64

    static let longestPhase = 64

    package init(
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

/// A message that ranks send each other outside MPI.
package enum Heartbeat: Equatable {
    /// The rank is alive and reports its activity.
    case alive(Activity)
    /// The rank is no longer to be watched.
    case leaving
    /// The rank has named a culprit and ends the job.
    case ending

    /// The datagram of job `job`: little-endian numbers of eight bytes, then the phase's name.
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

    /// The sender and its heartbeat; `nil` if `bytes` is not a valid message of the job.
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
