/// How well confidences separate in-distribution from out-of-distribution samples, by OpenOOD's
/// definitions.
///
/// A higher confidence means more in-distribution. Out-of-distribution is the positive class of the
/// ROC. All rates and areas are fractions from 0 to 1. Source: Zhang et al., "OpenOOD v1.5:
/// Enhanced Benchmark for Out-of-Distribution Detection", 2023, arXiv 2306.09301, and the curves of
/// scikit-learn that it uses.
public struct RankingMetrics: Equatable, Sendable {
    /// FPR@95: the fraction of in-distribution samples that are flagged as out-of-distribution when
    /// 95 % of the out-of-distribution samples are.
    ///
    /// As for the published numbers, it is read at the first point that scikit-learn's `roc_curve`
    /// keeps. `roc_curve` drops the points inside a straight run, so with heavy ties this is above
    /// `exactFalsePositiveRate`.
    public let falsePositiveRate: Double
    /// FPR@95 over all points of the curve, including those inside a straight run.
    public let exactFalsePositiveRate: Double
    /// AUROC, the area under the ROC: the probability that an in-distribution sample has the higher
    /// confidence of a random pair, ties counted half.
    public let areaUnderROC: Double
    /// AUPR-In, the area under the precision-recall curve by trapezoids, in-distribution as the
    /// positive class.
    public let areaUnderPrecisionRecallIn: Double
    /// AUPR-Out, the area under the precision-recall curve by trapezoids, out-of-distribution as the
    /// positive class.
    public let areaUnderPrecisionRecallOut: Double
    /// The number of distinct confidences.
    public let distinctCount: Int
    /// The number of distinct confidences whose ROC point is kept for `falsePositiveRate`.
    public let keptCount: Int

    /// Ranks the confidences; values are compared as they are stored.
    ///
    /// - Parameters:
    ///   - inDistribution: Confidences in any order; at least one, all finite.
    ///   - outOfDistribution: Confidences in any order; at least one, all finite.
    /// - Throws: `RankingMetricsError` if a side is empty or contains NaN or infinite values.
    public init(
        inDistribution: Span<Double>, outOfDistribution: Span<Double>
    ) throws(RankingMetricsError) {
        self.init(
            ScoreGroups(
                inKeys: try sorted(inDistribution, .inDistribution),
                outKeys: try sorted(outOfDistribution, .outOfDistribution)))
    }

    /// Ranks samples that are given as counts per distinct confidence.
    ///
    /// - Parameters:
    ///   - inCounts: The number of in-distribution samples of each distinct confidence, the lowest
    ///     first; at least one in total.
    ///   - outCounts: The same for out-of-distribution samples; as many counts.
    package init(inCounts: Span<Int32>, outCounts: Span<Int32>) {
        self.init(ScoreGroups(inCounts: inCounts, outCounts: outCounts))
    }

    private init(_ groups: ScoreGroups) {
        let inTotal = groups.inTotal
        let outTotal = groups.outTotal

        let caught = (0..<groups.count).lazy.filter(groups.catches95Percent)
        // The last group is always kept and catches everything.
        exactFalsePositiveRate = Double(groups.inCounts[caught.first!]) / Double(inTotal)
        falsePositiveRate =
            Double(groups.inCounts[caught.first(where: groups.isKept)!]) / Double(inTotal)
        areaUnderROC = groups.areaUnderROC
        areaUnderPrecisionRecallOut = areaUnderPrecisionRecall(
            (0..<groups.count).lazy.map { (groups.outCounts[$0], groups.inCounts[$0]) },
            positiveTotal: outTotal)
        areaUnderPrecisionRecallIn = areaUnderPrecisionRecall(
            (0..<groups.count).lazy.reversed().map { group in
                group == 0
                    ? (inTotal, outTotal)
                    : (inTotal - groups.inCounts[group - 1], outTotal - groups.outCounts[group - 1])
            }, positiveTotal: inTotal)
        distinctCount = groups.count
        keptCount = (0..<groups.count).count(where: groups.isKept)
    }

    /// Ranks the confidences of two arrays; otherwise as the initialiser with spans.
    ///
    /// - Parameters:
    ///   - inDistribution: Confidences in any order; at least one, all finite.
    ///   - outOfDistribution: Confidences in any order; at least one, all finite.
    /// - Throws: `RankingMetricsError` if a side is empty or contains NaN or infinite values.
    public init(
        inDistribution: [Double], outOfDistribution: [Double]
    ) throws(RankingMetricsError) {
        try self.init(
            inDistribution: inDistribution.span, outOfDistribution: outOfDistribution.span)
    }
}

private func sorted(
    _ values: Span<Double>, _ side: RankingMetricsError.Side
) throws(RankingMetricsError) -> [UInt64] {
    guard !values.isEmpty else {
        throw RankingMetricsError(side: side, invalidCount: 0, count: 0)
    }
    switch sortedKeys(values) {
    case .success(let keys): return keys
    case .failure(let invalid):
        throw RankingMetricsError(side: side, invalidCount: invalid.count, count: values.count)
    }
}
