internal import Networks

/// Whose names the tensors of an exported network have.
public enum ExportNames: Equatable, Sendable {
    /// Those of OpenOOD's networks: of a T2FNorm network (networks/t2fnorm_net.py) `tau`, then the others behind `backbone.`.
    case openOOD
    /// Those of torchvision, bare, without τ: `fc`, and `downsample` for a block's projection.
    ///
    /// With `foldsTemperature` the last layer's weights are divided by τ, so that `z = W' h + b` are the logits that scores see; else they
    /// are as trained, on features of length 1/τ.
    case torchvision(foldsTemperature: Bool)

    private static let torchvisionNames: [Substring: Substring] = ["linear": "fc", "shortcut": "downsample"]

    func name(of entry: String, of classifier: Classifier) -> String {
        switch self {
        case .openOOD: return classifier.headKind == .linear ? entry : "backbone." + entry
        case .torchvision:
            return entry.split(separator: ".").map { Self.torchvisionNames[$0] ?? $0 }.joined(separator: ".")
        }
    }

    /// What the last layer's weights are divided by.
    func foldedTemperature(of classifier: Classifier) -> Float? {
        guard self == .torchvision(foldsTemperature: true),
            case .t2fnorm(let temperature) = classifier.headKind
        else { return nil }
        return temperature
    }
}
