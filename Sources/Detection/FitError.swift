internal import Failures

/// The error of a score that cannot be fitted.
package struct FitError: CodedError, Equatable, Sendable {
    /// The score at fault, if the error concerns one.
    package var score: ScoreDefinition?
    /// What is wrong and how to fix it.
    package var reason: String
    /// Whether the network's values are at fault, not the data.
    package var isNumeric: Bool

    package init(score: ScoreDefinition? = nil, reason: String, isNumeric: Bool = false) {
        self.score = score
        self.reason = reason
        self.isNumeric = isNumeric
    }

    package var exitCode: Int32 { isNumeric ? ExitCode.numeric : ExitCode.data }

    package var description: String { (score.map { "score \($0.title): " } ?? "") + reason }
}
