/// Confidences of both sides as cumulative counts per distinct value, in ascending order.
struct ScoreGroups {
    /// In-distribution samples with this confidence or a lower one.
    private(set) var inCounts: [Int] = []
    /// Out-of-distribution samples with this confidence or a lower one.
    private(set) var outCounts: [Int] = []

    /// Merges two ascending lists; equal keys, also across the lists, make one group.
    init(inKeys: [UInt64], outKeys: [UInt64]) {
        inCounts.reserveCapacity(inKeys.count + outKeys.count)
        outCounts.reserveCapacity(inKeys.count + outKeys.count)
        var i = 0
        var o = 0
        while i < inKeys.count || o < outKeys.count {
            let key = min(
                i < inKeys.count ? inKeys[i] : UInt64.max, o < outKeys.count ? outKeys[o] : UInt64.max)
            while i < inKeys.count && inKeys[i] == key { i += 1 }
            while o < outKeys.count && outKeys[o] == key { o += 1 }
            inCounts.append(i)
            outCounts.append(o)
        }
    }

    /// Accumulates counts of each distinct value, the lowest first; values without samples are left
    /// out.
    init(inCounts ins: Span<Int32>, outCounts outs: Span<Int32>) {
        precondition(ins.count == outs.count, "\(ins.count) and \(outs.count) counts")
        inCounts.reserveCapacity(ins.count)
        outCounts.reserveCapacity(ins.count)
        var (i, o) = (0, 0)
        for group in ins.indices where ins[group] + outs[group] > 0 {
            i += Int(ins[group])
            o += Int(outs[group])
            inCounts.append(i)
            outCounts.append(o)
        }
        precondition(i > 0 && o > 0, "\(i) in-distribution and \(o) other samples")
    }

    var count: Int { inCounts.count }
    var inTotal: Int { inCounts[count - 1] }
    var outTotal: Int { outCounts[count - 1] }

    /// Whether scikit-learn's `roc_curve` keeps the group's point: the ends, and where the curve
    /// bends.
    func isKept(_ group: Int) -> Bool {
        guard group > 0 && group < count - 1 else { return true }
        return inCounts[group + 1] - 2 * inCounts[group] + inCounts[group - 1] != 0
            || outCounts[group + 1] - 2 * outCounts[group] + outCounts[group - 1] != 0
    }

    /// Whether flagging this group and all lower ones catches 95 % of the out-of-distribution
    /// samples.
    func catches95Percent(_ group: Int) -> Bool { 20 * outCounts[group] >= 19 * outTotal }

    /// The probability that an in-distribution confidence is above an out-of-distribution one; ties
    /// count half.
    ///
    /// The sum is in integers, exact for up to 10⁹ samples per side.
    var areaUnderROC: Double {
        var doubled = 0
        var inBelow = 0
        var outBelow = 0
        for group in 0..<count {
            doubled += (inCounts[group] - inBelow) * (outCounts[group] + outBelow)
            inBelow = inCounts[group]
            outBelow = outCounts[group]
        }
        return Double(doubled) / 2 / Double(inTotal) / Double(outTotal)
    }
}

/// The area under a precision-recall curve by trapezoids, starting at (recall 0, precision 1).
///
/// - Parameter groups: For each threshold, strictest first, how many positives and negatives pass
///   it.
func areaUnderPrecisionRecall(
    _ groups: some Sequence<(positives: Int, negatives: Int)>, positiveTotal: Int
) -> Double {
    var area = 0.0
    var passedBefore = 0
    var precisionBefore = 1.0
    for (positives, negatives) in groups {
        let precision = Double(positives) / Double(positives + negatives)
        area += Double(positives - passedBefore) * (precision + precisionBefore)
        passedBefore = positives
        precisionBefore = precision
    }
    return area / 2 / Double(positiveTotal)
}
