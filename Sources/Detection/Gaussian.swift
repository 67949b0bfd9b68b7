internal import Kernels

/// Squared Mahalanobis distances to means that share a covariance.
struct Gaussian: Sendable {
    private let whitening: LinearMap
    /// The whitened means less the origin, shape `[K, R]`.
    private let means: [[Double]]

    /// The inverse covariance is the pseudo-inverse: eigenvalues of at most `D · 2⁻⁵²` times the largest are left out, so that a
    /// feature that never changes, or fewer records than features, do no harm.
    ///
    /// - Parameters:
    ///   - covariance: Shape `[D, D]`.
    ///   - means: Shape `[K, D]`.
    ///   - score: Which an error names.
    init(covariance: [Double], means: [[Double]], score: ScoreName) throws {
        let dimension = means[0].count
        let eigen = try eigenvectors(of: covariance, dimension: dimension, score: score)
        let largest = eigen.values.map(abs).max() ?? 0
        var directions: [[Double]] = []
        for (i, value) in eigen.values.enumerated() where value > Double(dimension) * .ulpOfOne * largest {
            let row = eigen.vectors[i * dimension..<(i + 1) * dimension]
            directions.append(row.map { $0 / value.squareRoot() })
        }
        guard !directions.isEmpty else {
            throw ScoreFitError(
                score: score,
                reason:
                    "all fitted features are equal, which leaves no covariance; evaluate another checkpoint",
                isNumeric: true)
        }
        // The means' own images are taken relative to the first, which keeps small differences.
        whitening = LinearMap(directions: directions, origin: means[0])
        self.means = means.map { mean in
            directions.map { direction in
                var sum = 0.0
                for j in mean.indices { sum += direction[j] * (mean[j] - means[0][j]) }
                return sum
            }
        }
    }

    /// The nearest mean of each feature, shape `[N]`, and the gradient of half the squared distance to it, shape `[N, D]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func nearest(_ features: Span<Float>, count: Int) -> (means: [Int], gradients: [Double]) {
        let rank = whitening.rank
        var images = whitening(features)
        let nearest = (0..<count).map { sample in
            var (best, smallest) = (0, Double.infinity)
            for (k, mean) in means.enumerated() {
                var square = 0.0
                for r in 0..<rank {
                    let step = images[sample * rank + r] - mean[r]
                    square += step * step
                }
                if square < smallest { (best, smallest) = (k, square) }
            }
            for r in 0..<rank { images[sample * rank + r] -= means[best][r] }
            return best
        }
        return (nearest, whitening.transposed(images))
    }

    /// The squared distance to the nearest mean, shape `[N]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func smallestDistances(_ features: Span<Float>, count: Int) -> [Double] {
        let rank = whitening.rank
        let images = whitening(features)
        return (0..<count).map { sample in
            var smallest = Double.infinity
            for mean in means {
                var square = 0.0
                for r in 0..<rank {
                    let step = images[sample * rank + r] - mean[r]
                    square += step * step
                }
                if square < smallest || square.isNaN { smallest = square }
            }
            return smallest
        }
    }
}

/// The eigenvectors of a covariance.
func eigenvectors(of matrix: [Double], dimension: Int, score: ScoreName) throws -> SymmetricEigenvectors {
    guard let result = SymmetricEigenvectors(of: matrix, dimension: dimension) else {
        throw ScoreFitError(
            score: score,
            reason: "the eigenvectors of the features' covariance are not found; evaluate another checkpoint",
            isNumeric: true)
    }
    return result
}
