internal import Cluster
package import Inference
internal import Kernels
internal import Memory
internal import Numerics
package import Workers

extension ScoreDefinition {
    /// Sum of similarities in features and probabilities.
    public static let relation = ScoreDefinition(
        "relation", "Σ (similarity in features · in probabilities)ᵉ, where above 0.03, e the exponent",
        citation: "Kim et al., NeurIPS 2023, arXiv 2301.12321, section 3", fittedOn: .trainingFeatures,
        settings: [.real("exponent", 1, in: 1e-3...100, tried: [1, 2, 4, 6, 8])]
    ) { try NeuralRelation($1, exponent: $0.real("exponent")) }
}

/// `relation`: the sum over training records of the similarity in features times the similarity in
/// probabilities.
///
/// Kim, Kim, Song, Kim: "Neural relation graph: A unified framework for identifying label noise and
/// outlier data", NeurIPS 2023, arXiv 2301.12321, section 3. Similarities of at most 0.03 count as
/// 0.
package struct NeuralRelation: ShardedScore {
    /// The exponent that similarities are raised to.
    package let exponent: Double
    package let worldSize: Int
    package let partialCount = 1
    private let features: RecordBlocks
    private let probabilities: RecordBlocks
    /// The blocks of each microbatch.
    private let microbatches: [Range<Int>]

    package init(_ fit: FitContext, exponent: Double = 1) throws {
        precondition(exponent > 0, "an exponent of \(exponent)")
        let training = fit.training
        self.exponent = exponent
        worldSize = fit.communicator.worldSize
        features = RecordBlocks(
            directions(training.features, dimension: fit.head.dimension), dimension: fit.head.dimension,
            microbatchSize: training.microbatchSize)
        probabilities = RecordBlocks(
            softmax(training.logits, classes: fit.head.classes), dimension: fit.head.classes,
            microbatchSize: training.microbatchSize)
        let blockCount = features.records.count
        let blocksInMicrobatch = (training.microbatchSize + features.width - 1) / features.width
        microbatches = stride(from: 0, to: blockCount, by: blocksInMicrobatch).map {
            $0..<min($0 + blocksInMicrobatch, blockCount)
        }
    }

    /// The sums over the rank's records, shape `[input.count]`.
    package func partials(_ input: borrowing ScoreInput, on pool: WorkerPool) -> [Double] {
        let (dimension, classes) = (input.head.dimension, input.head.classes)
        var logits: [Float] = []
        for k in input.logits.indices { logits.append(input.logits[k]) }
        let samples = RecordBlocks.groups(
            directions(input.copyFeatures(), dimension: dimension), dimension: dimension)
        let shares = RecordBlocks.groups(softmax(logits, classes: classes), dimension: classes)
        var sums = [Double](repeating: 0, count: input.count)
        var span = sums.mutableSpan
        let group = RecordBlocks.groupSize
        pool.split(&span, every: group, scratch: matrixProductScratchCount) { index, part, scratch in
            var products = [Float](repeating: 0, count: 2 * features.productCount)
            var productSpan = products.mutableSpan
            let own = sum(
                of: 0..<microbatches.count,
                samples: samples.span.extracting(index * group * dimension..<(index + 1) * group * dimension),
                shares: shares.span.extracting(index * group * classes..<(index + 1) * group * classes),
                &productSpan, &scratch)
            for sample in part.indices { part[sample] = own[sample] }
        }
        return sums
    }

    /// The sums for a group of samples along the reduction tree over microbatches.
    private func sum(
        of microbatches: Range<Int>, samples: Span<Float>, shares: Span<Float>,
        _ products: inout MutableSpan<Float>, _ scratch: inout MutableSpan<Float>
    ) -> [Double] {
        guard microbatches.count > 1 else {
            var sums = [Double](repeating: microbatches.isEmpty ? -0.0 : 0, count: RecordBlocks.groupSize)
            for block in microbatches.flatMap({ self.microbatches[$0] }) {
                add(block, samples: samples, shares: shares, &products, &scratch, to: &sums)
            }
            return sums
        }
        let middle = ReductionTree.middle(of: microbatches)
        var left = sum(
            of: microbatches.lowerBound..<middle, samples: samples, shares: shares, &products, &scratch)
        let right = sum(
            of: middle..<microbatches.upperBound, samples: samples, shares: shares, &products, &scratch)
        for sample in left.indices { left[sample] += right[sample] }
        return left
    }

    private func add(
        _ block: Int, samples: Span<Float>, shares: Span<Float>, _ products: inout MutableSpan<Float>,
        _ scratch: inout MutableSpan<Float>, to sums: inout [Double]
    ) {
        let size = features.productCount
        var first = products.part(0..<size)
        features.fill(&first, samples: samples, block: block, scratch: &scratch)
        var second = products.part(size..<2 * size)
        probabilities.fill(&second, samples: shares, block: block, scratch: &scratch)
        for sample in sums.indices {
            for record in 0..<features.records[block].count {
                let place = sample * features.width + record
                let likeness = products[place] * products[size + place]
                // Written so that a NaN similarity is added, not skipped.
                if !(likeness <= 0.03) {
                    sums[sample] += exponent == 1 ? Double(likeness) : power(Double(likeness), exponent)
                }
            }
        }
    }

    /// The sum over ranks along the reduction tree.
    package func confidence(_ partials: [ArraySlice<Double>]) -> Double {
        func sum(_ ranks: Range<Int>) -> Double {
            guard ranks.count > 1 else { return partials[ranks.lowerBound].first ?? -0.0 }
            let middle = ReductionTree.middle(of: ranks)
            return sum(ranks.lowerBound..<middle) + sum(middle..<ranks.upperBound)
        }
        return sum(0..<partials.count)
    }
}

/// Each row divided by `√(Σ h² + 1e-10)`.
private func directions(_ rows: [Float], dimension: Int) -> [Float] {
    var result = rows
    for start in stride(from: 0, to: rows.count, by: dimension) {
        var sum = 1e-10
        for value in rows[start..<start + dimension] { sum += Double(value) * Double(value) }
        for j in start..<start + dimension { result[j] = Float(Double(rows[j]) / sum.squareRoot()) }
    }
    return result
}

private func softmax(_ rows: [Float], classes: Int) -> [Float] {
    var result = rows
    for start in stride(from: 0, to: rows.count, by: classes) {
        let row = rows.span.extracting(start..<start + classes)
        let largest = row[indexOfMaximum(row)]
        let sum = exponentialSum(row, below: largest)
        for k in row.indices { result[start + k] = exponential(row[k] - largest) / sum }
    }
    return result
}
