package import Inference
internal import Kernels

/// `residual`: the negated norm of the feature's residual outside the validation set's principal
/// space.
///
/// Wang, Li, Feng, Zhang: "ViM: Out-of-distribution with virtual-logit matching", CVPR 2022, arXiv
/// 2203.10807, section 3.2.
package struct Residual: Score {
    package let name = ScoreName.residual
    private let space: PrincipalSpace

    /// - Parameter dimension: The dimension of the principal space. By default 512 as in OpenOOD,
    ///   or half of `D` if 512 leaves no residual; OpenOOD's score is then 0 for every image.
    package init(_ fit: FitContext, dimension: Int? = nil) throws {
        let all = fit.head.dimension
        space = try PrincipalSpace(
            fit.validation.moments(on: fit.communicator), head: fit.head,
            dimension: dimension ?? (all > 512 ? 512 : all / 2), score: .residual)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let residuals = space.residuals(input.features, count: input.count)
        for sample in 0..<input.count {
            confidences[sample] = -residuals[sample]
            predictions[sample] = Int32(indexOfMaximum(input.logits(of: sample)))
        }
    }
}
