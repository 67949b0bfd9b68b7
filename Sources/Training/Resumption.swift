internal import Checkpoints
internal import Kernels
internal import RunConfiguration

/// How a run resumes from a checkpoint whose settings may differ.
struct Resumption {
    /// Settings that determine which records an epoch's steps use.
    private static let orderKeys: Set<String> = [
        "seed", "data.train", "data.order", "data.window", "data.block", "training.batch",
    ]

    /// The checkpoint's convolution algorithms; `nil` if the configuration changes them, as
    /// allowed.
    let convolutions: AlgorithmSelection?
    /// The changes that were allowed.
    let notices: [String]
    /// One line that lists the checkpoint's settings with names of an earlier version; `nil`
    /// without any.
    let renamed: String?

    /// Refuses a checkpoint of other mathematical settings or other data, unless those changes are
    /// allowed.
    ///
    /// Settings that change no bits are taken from the configuration. The training set may move;
    /// its fingerprint must match.
    ///
    /// - Parameters:
    ///   - dataFingerprint: Fingerprint of the training set.
    ///   - allowed: Keys of settings, or of groups of them.
    init(
        of checkpoint: Checkpoint, path: String, configuration: RunConfiguration, dataFingerprint: String,
        stepsPerEpoch: Int, allowed: Set<String>
    ) throws {
        var renamed: String?
        let saved = try RunConfiguration(yaml: checkpoint.configuration, file: path) {
            renamed = $0.description
        }
        self.renamed = renamed
        var changes = configuration.differences(from: saved)
            .filter { $0.isMathematical && $0.key != "data.train" }
            .map { (key: $0.key, description: $0.description) }
        if checkpoint.dataFingerprint != dataFingerprint {
            changes.append(
                (
                    "data.train",
                    "the training data's fingerprint is \(dataFingerprint), was \(checkpoint.dataFingerprint)"
                ))
        }
        let isAllowed = { (key: String) in allowed.contains { key == $0 || key.hasPrefix("\($0).") } }
        let refused = changes.filter { !isAllowed($0.key) }
        guard refused.isEmpty else {
            let options = refused.map { "--allow-change \($0.key)" }.joined(separator: " ")
            throw CheckpointError(
                path: path,
                reason: """
                    was trained with other mathematical settings: \(refused.map(\.description).joined(separator: "; ")); restore \
                    them, choose another name, start from the beginning with --resume none, or allow the change with \(options)
                    """)
        }
        let position = checkpoint.position
        let isInEpoch = position.stepInEpoch > 0
        if isInEpoch, let key = changes.first(where: { Self.orderKeys.contains($0.key) })?.key {
            throw CheckpointError(
                path: path,
                reason: """
                    is \(position.stepInEpoch) steps into an epoch, in which \(key) cannot change: its records would not each be \
                    used once; resume from the end of an epoch
                    """)
        }
        guard position.step == position.epoch * stepsPerEpoch + position.stepInEpoch else {
            throw CheckpointError(
                path: path,
                reason: """
                    is at step \(position.step) after \(position.epoch) epochs, but an epoch has \(stepsPerEpoch) steps now: schedule \
                    and order would not fit; export the model and import it --into training as another run
                    """)
        }
        let changesAlgorithms = changes.contains {
            $0.key == "compute.convolution" || $0.key == "compute.precision"
        }
        convolutions = changesAlgorithms ? nil : checkpoint.convolutions
        notices = changes.map { "changed as allowed: \($0.description)" }
    }
}
