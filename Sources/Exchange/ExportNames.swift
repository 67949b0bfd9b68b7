internal import Networks

/// The naming convention for the tensors of an exported network.
public enum ExportNames: Equatable, Sendable {
    /// The names of OpenOOD's networks; for a T2FNorm network (networks/t2fnorm_net.py) `tau`, then
    /// the others with the prefix `backbone.`.
    case openOOD
    /// The names of torchvision, without prefix and τ: `fc`, and `downsample` for a block's
    /// projection.
    ///
    /// With `foldsTemperature` the last layer's weights are divided by τ, so that `z = W' h + b`
    /// are the logits that scores use; else they are as trained, for features of norm 1/τ.
    case torchvision(foldsTemperature: Bool)

    private static let torchvisionNames: [Substring: Substring] = ["linear": "fc", "shortcut": "downsample"]

    func name(of entry: String, of classifier: Classifier) -> String {
        switch self {
        case .openOOD: return classifier.headKind == .linear ? entry : "backbone." + entry
        case .torchvision:
            return entry.split(separator: ".").map { Self.torchvisionNames[$0] ?? $0 }.joined(separator: ".")
        }
    }

    /// The temperature to divide the last layer's weights by; `nil` if it is not folded.
    func foldedTemperature(of classifier: Classifier) -> Float? {
        guard self == .torchvision(foldsTemperature: true),
            case .t2fnorm(let temperature) = classifier.headKind
        else { return nil }
        return temperature
    }
}
