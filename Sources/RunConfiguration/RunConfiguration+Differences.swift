internal import Yams

extension RunConfiguration {
    /// A setting whose values differ between two configurations.
    package struct Difference: Equatable, Sendable, CustomStringConvertible {
        /// The full key, such as `optimizer.momentum`.
        package var key: String
        /// The value here, as YAML.
        package var mine: String
        /// The value in the other configuration, as YAML.
        package var theirs: String
        /// Whether it changes what the run computes, and not only where, how fast or how often it
        /// reports.
        package var isMathematical: Bool

        package var description: String { "\(key) is \(mine), was \(theirs)" }
    }

    /// Whether there is a setting of this name, or a group of settings.
    package static func isKey(_ key: String) -> Bool {
        var node = node(of: RunConfiguration())
        for part in key.split(separator: ".", omittingEmptySubsequences: false) {
            guard let value = node.value(of: String(part)) else { return false }
            node = value
        }
        return true
    }

    /// Whether the setting of this key changes what a run computes, and not only where, how fast or
    /// how often it reports.
    package static func isMathematical(_ key: String) -> Bool {
        !harmless.contains { key == $0 || key.hasPrefix("\($0).") }
    }

    /// The settings whose values differ from those in `other`, in the order of the configuration.
    package func differences(from other: RunConfiguration) -> [Difference] {
        compare(node(of: self), node(of: other), defaults: node(of: RunConfiguration()), path: [])
    }
}

/// Keys that do not change what a run computes, including all keys below them.
private let harmless = [
    "name", "output", "data.test", "data.prefetch", "data.prefetchBytes", "training.keep",
    "training.keepEvery", "training.onCheckpointFailure", "training.checkpointEvery",
    "training.checkpointMinutes",
    "training.stopAfterSteps", "compute.threads", "compute.accumulation", "cluster.bucketBytes",
    "cluster.sentinelEvery",
    "cluster.watchdog",
    // `evaluation.every`, `evaluation.mirror` and `evaluation.precision` choose the best checkpoint.
    "evaluation.scores", "evaluation.batch", "evaluation.near", "evaluation.far", "evaluation.search",
    "evaluation.outlierValidation", "evaluation.temperature", "evaluation.grood",
]

private func compare(
    _ mine: Node, _ theirs: Node, defaults: Node, path: [String]
) -> [RunConfiguration.Difference] {
    if !defaults.keys.isEmpty {
        return defaults.keys.flatMap { key -> [RunConfiguration.Difference] in
            guard let mine = mine.value(of: key), let theirs = theirs.value(of: key),
                let defaults = defaults.value(of: key)
            else { return [] }
            return compare(mine, theirs, defaults: defaults, path: path + [key])
        }
    }
    guard mine.brief != theirs.brief else { return [] }
    let key = path.joined(separator: ".")
    return [
        .init(
            key: key, mine: mine.brief, theirs: theirs.brief,
            isMathematical: RunConfiguration.isMathematical(key))
    ]
}
