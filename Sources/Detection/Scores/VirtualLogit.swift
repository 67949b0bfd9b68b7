internal import Kernels
internal import Numerics

/// `vim`: the energy less the length of what the feature has outside of the principal space, times a factor.
///
/// Wang, Li, Feng, Zhang: "ViM: Out-of-distribution with virtual-logit matching", CVPR 2022, arXiv 2203.10807, section 4. The factor
/// makes the mean length on the training set the mean largest logit.
public struct VirtualLogit: Score {
    public let name = ScoreName.vim
    /// What lengths are multiplied by.
    public let factor: Double
    private let space: PrincipalSpace

    /// - Parameter dimension: Of the principal space. By default 256, as all published rows have, or half of `D` where
    ///   that leaves nothing.
    public init(_ fit: ScoreFit, dimension: Int? = nil) throws {
        let all = fit.head.dimension
        space = try PrincipalSpace(
            fit.trainingMoments(), head: fit.head, dimension: dimension ?? (all > 256 ? 256 : all / 2),
            score: .vim)
        let (training, space) = (fit.training, space)
        let residuals = space.residuals(training.features.span, count: training.count)
        let sums = try training.treeSum(width: 2, on: fit.communicator) { records, sums in
            for record in records {
                sums[0] += Double(maximumOrNaN(training.input.logits(of: record)))
                sums[1] += residuals[record]
            }
        }
        factor = sums[0] / sums[1]
        guard factor.isFinite else {
            throw ScoreFitError(
                score: .vim,
                reason: """
                    the training features lie in the principal space altogether, so nothing is outside of it; take fewer \
                    dimensions or another checkpoint
                    """, isNumeric: true)
        }
    }

    public func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let residuals = space.residuals(input.features, count: input.count)
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let predicted = indexOfMaximum(row)
            let largest = row[predicted]
            let energy = largest + logarithm(exponentialSum(row, below: largest))
            confidences[sample] = Double(energy) - factor * residuals[sample]
            predictions[sample] = Int32(predicted)
        }
    }
}
