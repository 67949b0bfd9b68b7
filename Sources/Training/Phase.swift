internal import Cluster

/// What a rank is doing, as timelines and the time shares of an epoch report it.
package enum Phase: String, Codable, CaseIterable, Sendable {
    /// Waiting for the next batch.
    case data
    case forward
    case backward
    /// All-reducing a bucket of gradients, concurrently with the backward pass.
    case sum
    /// Waiting for the other ranks' part of the step's message and of the all-reduce.
    case wait
    case update
    /// Evaluating the validation set.
    case validation
    case checkpoint
    /// Adding a line to the log.
    case log

    /// Whether the rank computes in this phase, apart from waiting for sums of statistics.
    var isComputing: Bool { self == .forward || self == .backward || self == .update }

    /// The phase as the watchdog sees it.
    var watched: ActivityBoard.Phase {
        ActivityBoard.Phase(
            rawValue, patience: self == .checkpoint ? .files : .steps, usesFiles: usesFiles,
            isWaiting: self == .wait, isComputing: isComputing)
    }

    /// Whether the rank may have to wait for the file system in this phase.
    private var usesFiles: Bool {
        switch self {
        case .data, .validation, .checkpoint, .log: true
        case .forward, .backward, .sum, .wait, .update: false
        }
    }

    /// Whether it is one of the sequential phases of a training step on the training thread.
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

    /// The time of all phases of training steps.
    var total: Duration { times.reduce(.zero) { $1.key.isPartOfStep ? $0 + $1.value : $0 } }

    /// Each phase's time, by its name, as a fraction of `total`; `sum` overlaps the other phases.
    var shares: [String: Double] {
        Dictionary(
            uniqueKeysWithValues: Phase.allCases.map { ($0.rawValue, self[$0].seconds / total.seconds) })
    }
}
