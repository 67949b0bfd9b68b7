internal import Foundation
internal import Kernels

/// What features have outside of the directions that vary most: `Rᵀ (h − u)`, where the logits of `u` are nearest to 0.
struct PrincipalSpace: Sendable {
    private let rest: LinearMap

    /// - Parameters:
    ///   - moments: Of the features that the directions are taken from.
    ///   - dimension: How many directions are left out, below `D`.
    init(_ moments: FeatureMoments, head: ScoringHead, dimension: Int, score: ScoreName) throws {
        let all = head.dimension
        guard (0..<all).contains(dimension) else {
            throw ScoreFitError(
                score: score,
                reason:
                    "a principal space of \(dimension) of \(all) dimensions leaves nothing, expected less than \(all)"
            )
        }
        let origin = leastSquares(head.weights.map(Double.init), head.bias.map { -Double($0) })
        guard let origin else {
            throw ScoreFitError(
                score: score,
                reason: "the last layer has no pseudo-inverse; evaluate another checkpoint", isNumeric: true)
        }
        let eigen = try eigenvectors(
            of: moments.covariance(about: origin), dimension: all, score: score)
        rest = LinearMap(
            directions: (0..<all - dimension).map { Array(eigen.vectors[$0 * all..<($0 + 1) * all]) },
            origin: origin)
    }

    /// The length of what is left of each feature, shape `[N]`.
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
