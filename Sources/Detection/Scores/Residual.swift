package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Negated norm of the residual outside the principal space.
    public static let residual = ScoreDefinition(
        "residual", "−‖Rᵀ(h − u)‖, u = −W⁺b, R all but the principal directions",
        citation: "Wang et al., CVPR 2022, arXiv 2203.10807, section 3.2", fittedOn: .validationFeatures,
        settings: [
            .whole(
                "dimension", automatic: "512, or half of the features if there are no more",
                in: 1...1_000_000)
        ]
    ) { try Residual($1, dimension: $0.wholeIfChosen("dimension")) }
}

/// `residual`: the negated norm of the feature's residual outside the validation set's principal
/// space.
///
/// Wang, Li, Feng, Zhang: "ViM: Out-of-distribution with virtual-logit matching", CVPR 2022, arXiv
/// 2203.10807, section 3.2.
package struct Residual: Score {
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
