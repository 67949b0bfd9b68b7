internal import Cluster
internal import Inference
internal import Kernels

/// Mean and covariance of features, in double precision and with the same bits on all ranks.
struct FeatureMoments {
    /// The number of records of all ranks.
    let count: Int
    /// Shape `[D]`.
    let mean: [Double]
    /// The mean over records of `(h − mean)(h − mean)ᵀ`; shape `[D, D]`.
    let covariance: [Double]

    var dimension: Int { mean.count }

    /// The mean over records of `(h − origin)(h − origin)ᵀ`; shape `[D, D]`.
    func covariance(about origin: [Double]) -> [Double] {
        var result = covariance
        let shift = zip(mean, origin).map { $0 - $1 }
        for i in 0..<dimension {
            for j in 0..<dimension { result[i * dimension + j] += shift[i] * shift[j] }
        }
        return result
    }

    /// The mean over records of `(h − m)(h − m)ᵀ`, where `m` is the mean of the record's class;
    /// shape `[D, D]`.
    ///
    /// - Parameters:
    ///   - means: Shape `[K, D]`.
    ///   - counts: Records of each class; every record belongs to a class.
    func covariance(within means: [[Double]], counts: [Int]) -> [Double] {
        var result = covariance
        for (own, members) in zip(means, counts) {
            let share = Double(members) / Double(count)
            let shift = zip(own, mean).map { $0 - $1 }
            for i in 0..<dimension {
                let weight = share * shift[i]
                for j in 0..<dimension { result[i * dimension + j] -= weight * shift[j] }
            }
        }
        return result
    }
}

extension FeatureShard {
    /// The mean and covariance in two passes: first the mean, then the centred second moment, so
    /// that nothing cancels. Collective.
    ///
    /// The second pass holds `8 D²` bytes for each level of the tree over the rank's microbatches.
    func moments(on communicator: any Communicator) throws(MPIError) -> FeatureMoments {
        let dimension = head.dimension
        let total = Double(try totalCount(on: communicator))
        let mean = try treeSum(width: dimension, on: communicator) { records, sums in
            for record in records {
                for j in 0..<dimension { sums[j] += Double(features[record * dimension + j]) }
            }
        }.map { $0 / total }
        var squares = try treeSum(width: dimension * dimension, on: communicator) { records, sums in
            var centred = [Double](repeating: 0, count: records.count * dimension)
            for (row, record) in records.enumerated() {
                for j in 0..<dimension {
                    centred[row * dimension + j] = Double(features[record * dimension + j]) - mean[j]
                }
            }
            var span = sums.mutableSpan
            accumulateOuterProducts(of: centred.span, into: &span)
        }
        for i in 0..<dimension {
            for j in i..<dimension {
                squares[i * dimension + j] /= total
                squares[j * dimension + i] = squares[i * dimension + j]
            }
        }
        return FeatureMoments(count: Int(total), mean: mean, covariance: squares)
    }

    /// The sums of raw features by label. Collective.
    ///
    /// - Parameter isCounted: Whether a record is included.
    func featureSums(
        on communicator: any Communicator, where isCounted: (_ record: Int) -> Bool = { _ in true }
    ) throws(MPIError) -> ClassSums {
        let dimension = head.dimension
        return try classSums(
            width: dimension, on: communicator, classOf: { isCounted($0) ? Int(labels[$0]) : nil },
            values: { features[$0 * dimension..<($0 + 1) * dimension].map(Double.init) })
    }

    /// The same records with each feature divided by its norm.
    func normalized() -> FeatureShard {
        var result = FeatureShard(head: head, microbatchSize: microbatchSize)
        result.add(features: unitRows(features, dimension: head.dimension), logits: logits, labels: labels)
        return result
    }
}

/// Each row divided by its norm plus 1e-10, so that a row of zeros stays zero.
func unitRows(_ rows: [Float], dimension: Int) -> [Float] {
    var result = rows
    for start in stride(from: 0, to: rows.count, by: dimension) {
        let factor = 1 / (length(rows[start..<start + dimension]) + 1e-10)
        for j in start..<start + dimension { result[j] = Float(Double(rows[j]) * factor) }
    }
    return result
}

private func length(_ row: ArraySlice<Float>) -> Double {
    var square = 0.0
    for value in row { square += Double(value) * Double(value) }
    return square.squareRoot()
}
