/// The scores, by the names that OpenOOD, configurations and result files use.
public enum ScoreName: String, CaseIterable, Sendable {
    case msp
    case t2fnorm
    case mls
    case ebo

    /// The score with its default settings.
    public func makeScore() -> any Score {
        switch self {
        case .msp: MaximumSoftmaxProbability()
        case .t2fnorm: T2FNormScore()
        case .mls: MaximumLogit()
        case .ebo: Energy()
        }
    }
}
