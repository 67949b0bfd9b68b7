public import Failures

/// The error of confidences that cannot be ranked.
public struct RankingMetricsError: CodedError, Equatable, Sendable {
    /// The side of the comparison that is at fault.
    public enum Side: String, Sendable {
        /// The samples of the training distribution.
        case inDistribution = "in-distribution"
        /// The samples to detect.
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

    /// An error of one side; an empty side has a `count` of 0.
    public init(
        side: Side, invalidCount: Int, count: Int, score: String? = nil, dataset: String? = nil
    ) {
        self.side = side
        self.invalidCount = invalidCount
        self.count = count
        self.score = score
        self.dataset = dataset
    }

    /// 4 (numerical failure) for NaN or infinite confidences, 3 (data) for an empty side.
    public var exitCode: Int32 { invalidCount > 0 ? ExitCode.numeric : ExitCode.data }

    /// What was found and what is expected, preceded by score and dataset if known; one line.
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
