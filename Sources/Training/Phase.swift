internal import Cluster

/// What a rank does at a time, as timelines and shares of an epoch tell it.
public enum Phase: String, Codable, CaseIterable, Sendable {
    /// Waiting for the next batch.
    case data
    case forward
    case backward
    /// Summing a bucket of gradients over ranks, beside the backward pass.
    case sum
    /// Waiting for the other ranks: for their part of the step's message and of the sums.
    case wait
    case update
    /// Running through the validation set.
    case validation
    case checkpoint
    /// Adding a line to the log.
    case log

    /// Whether the rank computes in it, but for where it waits for sums of statistics.
    var isComputing: Bool { self == .forward || self == .backward || self == .update }

    /// As those who watch the rank see it.
    var watched: ActivityBoard.Phase {
        ActivityBoard.Phase(
            rawValue, patience: self == .checkpoint ? .files : .steps, usesFiles: usesFiles,
            isWaiting: self == .wait, isComputing: isComputing)
    }

    /// Whether the rank may have to wait for the file system in it.
    private var usesFiles: Bool {
        switch self {
        case .data, .validation, .checkpoint, .log: true
        case .forward, .backward, .sum, .wait, .update: false
        }
    }

    /// Whether it is a part of a training step, one after the other on the thread that trains.
    var isPartOfStep: Bool {
        switch self {
        case .data, .forward, .backward, .wait, .update: true
        case .sum, .validation, .checkpoint, .log: false
        }
    }
}

/// How long each phase took, in an epoch or so far.
struct PhaseTimes: Equatable, Sendable {
    private var times: [Phase: Duration] = [:]

    subscript(_ phase: Phase) -> Duration { times[phase] ?? .zero }

    mutating func add(_ duration: Duration, to phase: Phase) { times[phase, default: .zero] += duration }

    /// Of training steps.
    var total: Duration { times.reduce(.zero) { $1.key.isPartOfStep ? $0 + $1.value : $0 } }

    /// Each phase's time, by its name, as a share of `total`; that of `sum` runs beside the others.
    var shares: [String: Double] {
        Dictionary(
            uniqueKeysWithValues: Phase.allCases.map { ($0.rawValue, self[$0].seconds / total.seconds) })
    }
}
