public import Failures

/// The error of confidences that cannot be ranked.
public struct RankingMetricsError: CodedError, Equatable, Sendable {
    /// The side of the comparison that is at fault.
    public enum Side: String, Sendable {
        case inDistribution = "in-distribution"
        case outOfDistribution = "out-of-distribution"
    }

    /// The side whose confidences cannot be ranked.
    public var side: Side
    /// How many confidences are NaN or infinite.
    public var invalidCount: Int
    /// How many confidences there are.
    public var count: Int
    /// The score that gave the confidences, if known.
    public var score: String?
    /// The dataset that the confidences belong to, if known.
    public var dataset: String?

    public init(
        side: Side, invalidCount: Int, count: Int, score: String? = nil, dataset: String? = nil
    ) {
        self.side = side
        self.invalidCount = invalidCount
        self.count = count
        self.score = score
        self.dataset = dataset
    }

    public var exitCode: Int32 { invalidCount > 0 ? ExitCode.numeric : ExitCode.data }

    public var description: String {
        let whose = [score.map { "score \($0)" }, dataset.map { "dataset \($0)" }].compactMap { $0 }
        let place = whose.isEmpty ? "" : whose.joined(separator: ", ") + ": "
        if count == 0 { return "\(place)there are no \(side.rawValue) confidences, expected at least one" }
        return """
            \(place)\(invalidCount) of \(count) \(side.rawValue) confidences are NaN or infinite, \
            expected finite numbers
            """
    }
}
