internal import Numerics
package import Workers

/// The sums over all pairs of a batch in the loss of ReweightOOD.
///
/// Regmi, Joshi, Dotel, Gyawali: "ReweightOOD: Loss reweighting for distance-based OOD detection",
/// CVPR workshops 2024. Over the pairs i < j of a batch, with `s = f_i · f_j` of outputs of norm 1:
///
/// - weights `w⁺ = σ(−(2s − 1))` of a pair of one class and `w⁻ = σ(5s − 4)` of a pair of two
///   classes, both constants in the gradient;
/// - `L = ELU(LSE₊(−w⁺ s / 0.1) + LSE₋(w⁻ s / 0.1))`, the logarithms of the sums of exponentials
///   over the pairs of each kind. A kind without pairs is left out, and without any pair the loss
///   is 0.
package struct PairSums: Equatable, Sendable {
    /// The divisor of weighted products.
    fileprivate static let temperature = 0.1
    /// Subtracted from every exponent: with outputs of norm 1 no exponent is larger, and a sum of
    /// exponentials is between 2·10⁻⁹ and the number of pairs. A constant is the same for all
    /// microbatches and ranks; a maximum would need an all-reduce.
    fileprivate static let shift = 10.0

    /// Over the pairs of one class; 0 if there is none.
    package let positive: Double
    /// Over the pairs of two classes; 0 if there is none.
    package let negative: Double

    /// - Parameter sums: Positive, then negative, as written by `comparePairs`, summed over all
    ///   samples.
    package init(_ sums: Span<Double>) {
        precondition(sums.count == 2, "\(sums.count) sums, expected 2")
        (positive, negative) = (sums[0], sums[1])
    }

    /// The loss L.
    package var loss: Double { exponent > 0 ? exponent : exponential(exponent) - 1 }

    /// The derivative of the loss with respect to `exponent`.
    fileprivate var slope: Double { exponent > 0 ? 1 : exponential(exponent) }

    /// The argument of ELU.
    private var exponent: Double {
        [positive, negative].reduce(0) { $1 == 0 ? $0 : $0 + logarithm($1) + Self.shift }
    }
}

/// Overwrites `coefficients` with the gradient's coefficient of each pair of a sample of the rank
/// and a sample of the batch, and `sums` with each microbatch's sums of exponentials.
///
/// - Parameters:
///   - samples: Range of the rank's samples in the batch: whole microbatches.
///   - outputs: Outputs of all samples, shape `[M, E]`, each of norm 1.
///   - labels: Shape `[M]`.
///   - coefficients: Shape `[N, M]`: the derivative of a pair's exponential with respect to its
///     product; negative for pairs of one class, positive for others, 0 for a sample with itself.
///   - sums: Shape `[microbatches, 2]`: over the pairs of a microbatch's samples with later
///     samples, of one class, then of two classes.
package func comparePairs(
    of samples: Range<Int>, outputs: Span<Float>, labels: Span<Int32>, microbatchSize: Int,
    coefficients: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
) {
    let count = labels.count
    let dimension = outputs.count / max(count, 1)
    precondition(
        coefficients.count == samples.count * count
            && sums.count == microbatches(samples, microbatchSize) * 2,
        "\(coefficients.count) coefficients and \(sums.count) sums of \(samples.count) and \(count) samples")
    pool.split(
        &coefficients, every: microbatchSize * count, &sums, every: 2, scratch: matrixProductScratchCount
    ) { microbatch, part, sums, scratch in
        let start = samples.lowerBound + microbatch * microbatchSize
        let rows = part.count / count
        matrixProduct(
            StoredMatrix(
                outputs.extracting(start * dimension..<(start + rows) * dimension), rows: rows,
                columns: dimension),
            StoredMatrix(outputs, .transposed, rows: dimension, columns: count), into: &part,
            scratch: &scratch)
        var (positive, negative) = (0.0, 0.0)
        for row in 0..<rows {
            let own = start + row
            for other in 0..<count {
                let place = row * count + other
                guard other != own else {
                    part[place] = 0
                    continue
                }
                let isPositive = labels[own] == labels[other]
                let pair = Pair(product: Double(part[place]), isPositive: isPositive)
                part[place] = Float(pair.coefficient)
                if other > own {
                    if isPositive { positive += pair.term } else { negative += pair.term }
                }
            }
        }
        sums[0] = positive
        sums[1] = negative
    }
}

/// Overwrites `gradient` with the gradient of the loss with respect to the rank's outputs.
///
/// - Parameters:
///   - coefficients: Shape `[N, M]`, as written by `comparePairs`; overwritten.
///   - sums: Sums of the whole batch.
///   - outputs: Outputs of all samples, shape `[M, E]`.
///   - gradient: Shape `[N, E]`.
package func differentiatePairs(
    _ coefficients: inout MutableSpan<Float>, sums: PairSums, outputs: Span<Float>, dimension: Int,
    microbatchSize: Int, into gradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let count = outputs.count / dimension
    // Not finite for a kind without pairs, but then no coefficient uses it.
    let positive = Float(sums.slope / sums.positive)
    let negative = Float(sums.slope / sums.negative)
    pool.split(
        &coefficients, every: microbatchSize * count, &gradient, every: microbatchSize * dimension,
        scratch: matrixProductScratchCount
    ) { _, part, gradient, scratch in
        for i in part.indices {
            let value = part[i]
            part[i] = value == 0 ? 0 : value * (value < 0 ? positive : negative)
        }
        matrixProduct(
            StoredMatrix(part.span, rows: part.count / count, columns: count),
            StoredMatrix(outputs, rows: count, columns: dimension), into: &gradient, scratch: &scratch)
    }
}

/// One pair's contribution to the loss.
private struct Pair {
    /// The exponential of the difference of the weighted product and `PairSums.shift`.
    let term: Double
    /// The derivative of `term` with respect to the product, with a constant weight.
    let coefficient: Double

    @inline(__always)
    init(product: Double, isPositive: Bool) {
        let weight: Double =
            isPositive ? -1 / (1 + exponential(2 * product - 1)) : 1 / (1 + exponential(4 - 5 * product))
        let factor = weight / PairSums.temperature
        term = exponential(factor * product - PairSums.shift)
        coefficient = factor * term
    }
}

private func microbatches(_ samples: Range<Int>, _ microbatchSize: Int) -> Int {
    (samples.count + microbatchSize - 1) / microbatchSize
}
