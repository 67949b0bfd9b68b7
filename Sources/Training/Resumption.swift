internal import Checkpoints
internal import Kernels
internal import RunConfiguration

/// How a run goes on from a checkpoint that other settings may have made.
struct Resumption {
    /// Settings that fix which records an epoch's steps use.
    private static let orderKeys: Set<String> = [
        "seed", "data.train", "data.order", "data.window", "data.block", "training.batch",
    ]

    /// The paths of the convolutions; `nil` if the configuration's new choice is allowed.
    let convolutions: ConvolutionChoices?
    /// What was allowed to change.
    let notices: [String]

    /// Refuses a checkpoint that other mathematics or other data made, unless those changes are allowed.
    ///
    /// Settings that change no bits are the configuration's. So is the place of the training set, if its data are the same.
    ///
    /// - Parameters:
    ///   - dataFingerprint: Of the training set.
    ///   - allowed: Keys of settings, or of groups of them.
    init(
        of checkpoint: Checkpoint, path: String, configuration: RunConfiguration, dataFingerprint: String,
        stepsPerEpoch: Int, allowed: Set<String>
    ) throws {
        let saved = try RunConfiguration(yaml: checkpoint.configuration, file: path)
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
                    was made with other mathematics: \(refused.map(\.description).joined(separator: "; ")); set them back, \
                    choose another name, start anew with --resume none, or go on with other mathematics by \(options)
                    """)
        }
        let position = checkpoint.position
        let isInEpoch = position.stepInEpoch > 0
        if isInEpoch, let key = changes.first(where: { Self.orderKeys.contains($0.key) })?.key {
            throw CheckpointError(
                path: path,
                reason: """
                    is \(position.stepInEpoch) steps into an epoch, in which \(key) cannot change: its records would not be used \
                    once each; go on from the end of an epoch
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
        convolutions = changes.contains { $0.key == "compute.convolution" } ? nil : checkpoint.convolutions
        notices = changes.map { "changed as allowed: \($0.description)" }
    }
}
