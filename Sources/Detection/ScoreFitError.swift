/// Why a score cannot be fitted.
public struct ScoreFitError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The score, where one is at fault.
    public var score: ScoreName?
    /// What is wrong and how to mend it.
    public var reason: String
    /// Whether the network's numbers are at fault, not the data.
    public var isNumeric: Bool

    public init(score: ScoreName? = nil, reason: String, isNumeric: Bool = false) {
        self.score = score
        self.reason = reason
        self.isNumeric = isNumeric
    }

    public var description: String { (score.map { "score \($0.rawValue): " } ?? "") + reason }
}
