internal import Cluster
internal import Inference
internal import Kernels
internal import Numerics

/// Sums over the records of each class, over all ranks.
struct ClassSums {
    /// Shape `[K, W]`.
    let sums: [Double]
    /// Shape `[K]`.
    let counts: [Int]

    /// The mean of class `k`, shape `[W]`; `nil` if it has no record.
    func mean(_ k: Int) -> [Double]? {
        guard counts[k] > 0 else { return nil }
        let width = sums.count / counts.count
        return sums[k * width..<(k + 1) * width].map { $0 / Double(counts[k]) }
    }
}

extension FeatureShard {
    /// Sums values by class, each class along the reduction tree over microbatches. A microbatch
    /// stores sums only of the classes that occur in it. Collective.
    ///
    /// - Parameters:
    ///   - width: The number of values per record, `W`.
    ///   - classOf: The class that a record is added to; `nil` skips the record.
    ///   - values: The values of a record, shape `[W]`.
    func classSums(
        width: Int, on communicator: any Communicator, classOf: (_ record: Int) -> Int?,
        values: (_ record: Int) -> [Double]
    ) throws(MPIError) -> ClassSums {
        var counts = [Int64](repeating: 0, count: head.classes)
        let own = sums(of: 0..<(count + microbatchSize - 1) / microbatchSize) { record, sums in
            guard let k = classOf(record) else { return }
            counts[k] += 1
            increase(&sums[k], by: values(record))
        }
        var all = [Double](repeating: -0.0, count: head.classes * width)
        for (k, sum) in own {
            for j in sum.indices { all[k * width + j] = sum[j] }
        }
        var span = all.mutableSpan
        try communicator.treeSum(&span)
        var countSpan = counts.mutableSpan
        try communicator.treeSum(&countSpan)
        return ClassSums(sums: all, counts: counts.map { Int($0) })
    }

    private func sums(
        of microbatches: Range<Int>, _ addRecord: (_ record: Int, _ sums: inout [Int: [Double]]) -> Void
    ) -> [Int: [Double]] {
        guard microbatches.count > 1 else {
            var sums: [Int: [Double]] = [:]
            for microbatch in microbatches {
                for record in microbatch * microbatchSize..<min((microbatch + 1) * microbatchSize, count) {
                    addRecord(record, &sums)
                }
            }
            return sums
        }
        let middle = ReductionTree.middle(of: microbatches)
        var left = sums(of: microbatches.lowerBound..<middle, addRecord)
        for (k, sum) in sums(of: middle..<microbatches.upperBound, addRecord) { increase(&left[k], by: sum) }
        return left
    }
}

private func increase(_ sum: inout [Double]?, by values: [Double]) {
    guard var own = sum else {
        sum = values
        return
    }
    sum = nil
    for j in own.indices { own[j] += values[j] }
    sum = own
}
