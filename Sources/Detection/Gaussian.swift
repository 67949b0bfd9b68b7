internal import Kernels
internal import Numerics

/// Squared Mahalanobis distances to means that share a covariance.
struct Gaussian: Sendable {
    private let whitening: LinearMap
    /// The whitened means minus the origin, shape `[K, R]`.
    private let means: [[Double]]
    /// The log-determinant of the covariance, over the eigenvalues that are kept.
    let logDeterminant: Double

    /// The inverse covariance is the pseudo-inverse: eigenvalues of at most `D · 2⁻⁵²` times the
    /// largest are left out, so that constant features, or fewer records than features, do no harm.
    ///
    /// - Parameters:
    ///   - covariance: Shape `[D, D]`.
    ///   - means: Shape `[K, D]`.
    ///   - score: The score that errors name.
    init(covariance: [Double], means: [[Double]], score: ScoreDefinition) throws {
        let dimension = means[0].count
        let eigen = try eigenvectors(of: covariance, dimension: dimension, score: score)
        let largest = eigen.values.map(abs).max() ?? 0
        var directions: [[Double]] = []
        var logarithms = 0.0
        for (i, value) in eigen.values.enumerated() where value > Double(dimension) * .ulpOfOne * largest {
            let row = eigen.vectors[i * dimension..<(i + 1) * dimension]
            directions.append(row.map { $0 / value.squareRoot() })
            logarithms += logarithm(value)
        }
        logDeterminant = logarithms
        guard !directions.isEmpty else {
            throw FitError(
                score: score,
                reason:
                    "all fitted features are equal, so their covariance is 0; evaluate another checkpoint",
                isNumeric: true)
        }
        // The means are mapped relative to the first mean, which preserves small differences.
        whitening = LinearMap(directions: directions, origin: means[0])
        self.means = means.map { mean in
            directions.map { direction in
                var sum = 0.0
                for j in mean.indices { sum += direction[j] * (mean[j] - means[0][j]) }
                return sum
            }
        }
    }

    /// The squared distance of each feature to each mean, shape `[N, K]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func distances(_ features: Span<Float>, count: Int) -> [Double] {
        distances(images: whitening(features), count: count)
    }

    private func distances(images: [Double], count: Int) -> [Double] {
        let rank = whitening.rank
        return (0..<count).flatMap { sample in
            means.map { mean in
                var square = 0.0
                for r in 0..<rank {
                    let step = images[sample * rank + r] - mean[r]
                    square += step * step
                }
                return square
            }
        }
    }

    /// The squared distance to the nearest mean, shape `[N]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func smallestDistances(_ features: Span<Float>, count: Int) -> [Double] {
        let distances = distances(features, count: count)
        return (0..<count).map { sample in
            var smallest = Double.infinity
            for square in distances[sample * means.count..<(sample + 1) * means.count]
            where square < smallest || square.isNaN { smallest = square }
            return smallest
        }
    }

    /// The nearest mean of each feature, shape `[N]`, and the gradient of half the squared distance
    /// to it, shape `[N, D]`.
    ///
    /// - Parameter features: Shape `[N, D]`.
    func nearest(_ features: Span<Float>, count: Int) -> (means: [Int], gradients: [Double]) {
        var images = whitening(features)
        let distances = distances(images: images, count: count)
        let rank = whitening.rank
        let nearest = (0..<count).map { sample in
            var (best, smallest) = (0, Double.infinity)
            for k in means.indices where distances[sample * means.count + k] < smallest {
                (best, smallest) = (k, distances[sample * means.count + k])
            }
            for r in 0..<rank { images[sample * rank + r] -= means[best][r] }
            return best
        }
        return (nearest, whitening.transposed(images))
    }
}

/// The eigenvectors of a covariance.
func eigenvectors(of matrix: [Double], dimension: Int, score: ScoreDefinition) throws -> SymmetricEigenvectors
{
    guard let result = SymmetricEigenvectors(of: matrix, dimension: dimension) else {
        throw FitError(
            score: score,
            reason: "the eigenvectors of the covariance do not converge; evaluate another checkpoint",
            isNumeric: true)
    }
    return result
}
