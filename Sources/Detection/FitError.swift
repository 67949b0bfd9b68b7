/// The error of a score that cannot be fitted.
public struct FitError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The score at fault, if the error concerns one.
    public var score: ScoreName?
    /// What is wrong and how to fix it.
    public var reason: String
    /// Whether the network's values are at fault, not the data.
    public var isNumeric: Bool

    public init(score: ScoreName? = nil, reason: String, isNumeric: Bool = false) {
        self.score = score
        self.reason = reason
        self.isNumeric = isNumeric
    }

    public var description: String { (score.map { "score \($0.rawValue): " } ?? "") + reason }
}
