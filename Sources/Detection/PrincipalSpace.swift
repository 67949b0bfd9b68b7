internal import Foundation
internal import Inference
internal import Kernels

/// The residual of features outside the principal directions: `Rᵀ (h − u)`, where `u` is the point
/// whose logits are nearest to 0.
struct PrincipalSpace: Sendable {
    private let rest: LinearMap

    /// - Parameters:
    ///   - moments: Moments of the features that define the principal directions.
    ///   - dimension: The number of principal directions, below `D`.
    init(_ moments: FeatureMoments, head: ScoringHead, dimension: Int, score: ScoreDefinition) throws {
        let all = head.dimension
        guard (0..<all).contains(dimension) else {
            throw FitError(
                score: score,
                reason:
                    "a principal space of \(dimension) of \(all) dimensions leaves no residual, expected fewer than \(all)"
            )
        }
        let origin = leastSquares(head.weights.map(Double.init), head.bias.map { -Double($0) })
        guard let origin else {
            throw FitError(
                score: score,
                reason: "the last layer has no pseudo-inverse; evaluate another checkpoint", isNumeric: true)
        }
        let eigen = try eigenvectors(
            of: moments.covariance(about: origin), dimension: all, score: score)
        rest = LinearMap(
            directions: (0..<all - dimension).map { Array(eigen.vectors[$0 * all..<($0 + 1) * all]) },
            origin: origin)
    }

    /// The norm of each feature's residual, shape `[N]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func residuals(_ features: Span<Float>, count: Int) -> [Double] {
        let images = rest(features)
        return (0..<count).map { sample in
            var square = 0.0
            for r in sample * rest.rank..<(sample + 1) * rest.rank { square += images[r] * images[r] }
            return square.squareRoot()
        }
    }
}
