/// The scores, by the names that OpenOOD, configurations and result files use.
public enum ScoreName: String, CaseIterable, Sendable {
    case msp
    case t2fnorm
    case mls
    case ebo
    case gen
    case mcm
    case gradnorm
    case ash
    case ashP = "ash_p"
    case ashS = "ash_s"
    case scale
    case dice
    case fdbd
    case nci

    /// Whether the score must first see the training set.
    public var isFitted: Bool {
        switch self {
        case .dice, .fdbd, .nci: true
        default: false
        }
    }

    /// The score with its default settings.
    ///
    /// - Precondition: A score that is fitted has its `fit`.
    public func makeScore(_ fit: ScoreFit? = nil) -> any Score {
        switch self {
        case .msp: MaximumSoftmaxProbability()
        case .t2fnorm: T2FNormScore()
        case .mls: MaximumLogit()
        case .ebo: Energy()
        case .gen: GeneralizedEntropy()
        case .mcm: MaximumConceptMatching()
        case .gradnorm: GradNorm()
        case .ash: ActivationShaping(.binarized)
        case .ashP: ActivationShaping(.pruned)
        case .ashS: ActivationShaping(.scaled)
        case .scale: ActivationScaling()
        case .dice: DirectedSparsification(required(fit))
        case .fdbd: DecisionBoundaryDistance(required(fit))
        case .nci: NeuralCollapse(required(fit))
        }
    }

    private func required(_ fit: ScoreFit?) -> ScoreFit {
        guard let fit else { preconditionFailure("\(rawValue) without what it is fitted on") }
        return fit
    }
}
