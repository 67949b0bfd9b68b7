internal import Numerics
public import Workers

/// What all pairs of a batch come to in the loss of ReweightOOD.
///
/// Regmi, Joshi, Dotel, Gyawali: "ReweightOOD: Loss reweighting for distance-based OOD detection", CVPR workshops 2024. Over the pairs
/// i < j of a batch, with `s = f_i · f_j` of outputs of length 1:
///
/// - weights `w⁺ = σ(−(2s − 1))` of a pair of one class and `w⁻ = σ(5s − 4)` of a pair of two, both constants to the gradient;
/// - `L = ELU(LSE₊(−w⁺ s / 0.1) + LSE₋(w⁻ s / 0.1))`, the logarithms of the sums of exponentials over the pairs of either kind. A kind
///   without a pair is left out, and without any pair the loss is 0.
public struct PairSums: Equatable, Sendable {
    /// The divisor of weighted products.
    fileprivate static let temperature = 0.1
    /// What is subtracted from every exponent: with outputs of length 1 none is larger, and a sum of exponentials lies between 2·10⁻⁹
    /// and the number of pairs. As a constant it is the same for all lanes and ranks, which a maximum would have to be told.
    fileprivate static let shift = 10.0

    /// Over the pairs of one class; 0 if there is none.
    public let positive: Double
    /// Over the pairs of two classes; 0 if there is none.
    public let negative: Double

    /// - Parameter sums: Positive, then negative, as `comparePairs` makes them, summed over all samples.
    public init(_ sums: Span<Double>) {
        precondition(sums.count == 2, "\(sums.count) sums of 2 kinds of pairs")
        (positive, negative) = (sums[0], sums[1])
    }

    /// L.
    public var loss: Double { exponent > 0 ? exponent : exponential(exponent) - 1 }

    /// What the loss gains for each unit of its exponent.
    fileprivate var slope: Double { exponent > 0 ? 1 : exponential(exponent) }

    /// What ELU is taken of.
    private var exponent: Double {
        [positive, negative].reduce(0) { $1 == 0 ? $0 : $0 + logarithm($1) + Self.shift }
    }
}

/// Overwrites `coefficients` with what each pair of a sample of the rank and a sample of the batch pulls, and `sums` with each lane's
/// exponentials.
///
/// - Parameters:
///   - samples: The rank's in the batch: whole lanes.
///   - outputs: Of all samples, shape `[M, E]`, each of length 1.
///   - labels: Shape `[M]`.
///   - coefficients: Shape `[N, M]`: the derivative of a pair's exponential by its product; below 0 for pairs of one class, above 0 for
///     others, 0 of a sample with itself.
///   - sums: Shape `[lanes, 2]`: over the pairs of a lane's samples with later ones, of one class, then of two.
public func comparePairs(
    of samples: Range<Int>, outputs: Span<Float>, labels: Span<Int32>, laneSize: Int,
    coefficients: inout MutableSpan<Float>, sums: inout MutableSpan<Double>, on pool: WorkerPool
) {
    let count = labels.count
    let dimension = outputs.count / max(count, 1)
    precondition(
        coefficients.count == samples.count * count && sums.count == lanes(samples, laneSize) * 2,
        "\(coefficients.count) coefficients and \(sums.count) sums of \(samples.count) and \(count) samples")
    pool.split(
        &coefficients, every: laneSize * count, &sums, every: 2, scratch: matrixProductScratchCount
    ) { lane, part, sums, scratch in
        let start = samples.lowerBound + lane * laneSize
        let rows = part.count / count
        matrixProduct(
            outputs.extracting(start * dimension..<(start + rows) * dimension), .none, outputs, .transposed,
            rows: rows, columns: count, inner: dimension, into: &part, scratch: &scratch)
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

/// Overwrites `gradient` with the gradient of the loss by the rank's outputs.
///
/// - Parameters:
///   - coefficients: Shape `[N, M]`, as `comparePairs` made them; used up.
///   - sums: Of the whole batch.
///   - outputs: Of all samples, shape `[M, E]`.
///   - gradient: Shape `[N, E]`.
public func differentiatePairs(
    _ coefficients: inout MutableSpan<Float>, sums: PairSums, outputs: Span<Float>, dimension: Int,
    laneSize: Int, into gradient: inout MutableSpan<Float>, on pool: WorkerPool
) {
    let count = outputs.count / dimension
    // Only kinds that have pairs are looked up.
    let positive = Float(sums.slope / sums.positive)
    let negative = Float(sums.slope / sums.negative)
    pool.split(
        &coefficients, every: laneSize * count, &gradient, every: laneSize * dimension,
        scratch: matrixProductScratchCount
    ) { _, part, gradient, scratch in
        for i in part.indices {
            let value = part[i]
            part[i] = value == 0 ? 0 : value * (value < 0 ? positive : negative)
        }
        matrixProduct(
            part.span, .none, outputs, .none, rows: part.count / count, columns: dimension, inner: count,
            into: &gradient, scratch: &scratch)
    }
}

/// One pair's part of the loss.
private struct Pair {
    /// The exponential of the weighted product, `PairSums.shift` subtracted.
    let term: Double
    /// Its derivative by the product, the weight being constant.
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

private func lanes(_ samples: Range<Int>, _ laneSize: Int) -> Int {
    (samples.count + laneSize - 1) / laneSize
}
