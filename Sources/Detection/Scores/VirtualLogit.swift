package import Inference
internal import Kernels
internal import Numerics

extension ScoreDefinition {
    /// ViM: energy minus the scaled norm of the residual outside the principal space.
    public static let vim = ScoreDefinition(
        "vim", "log Σ exp z − α‖Rᵀ(h − u)‖, α = mean max z / mean ‖Rᵀ(h − u)‖",
        citation: "Wang et al., CVPR 2022, arXiv 2203.10807, section 4", fittedOn: .trainingFeatures,
        settings: [
            .whole(
                "dimension", automatic: "256, or half of the features if there are no more",
                in: 1...1_000_000, tried: [256, 1000]
            ) { Int($0) < $1.head.dimension }
        ]
    ) { try VirtualLogit($1, dimension: $0.wholeIfChosen("dimension")) }
}

/// `vim`: the energy minus a factor times the norm of the feature's residual outside the principal
/// space.
///
/// Wang, Li, Feng, Zhang: "ViM: Out-of-distribution with virtual-logit matching", CVPR 2022, arXiv
/// 2203.10807, section 4. The factor scales the mean residual norm on the training set to the mean
/// largest logit.
package struct VirtualLogit: Score {
    /// The factor of the residual norm.
    package let factor: Double
    private let space: PrincipalSpace

    /// - Parameter dimension: The dimension of the principal space. By default 256, as in all
    ///   published rows, or half of `D` if 256 leaves no residual.
    package init(_ fit: FitContext, dimension: Int? = nil) throws {
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
            throw FitError(
                score: .vim,
                reason: """
                    the training features lie entirely in the principal space, so they have no residual; use fewer \
                    dimensions or another checkpoint
                    """, isNumeric: true)
        }
    }

    package func evaluate(
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
