import Cluster
import Kernels
import Numerics
import Workers

/// Compares tree sums of many counts with the same sums computed on one rank; the bits must be
/// equal if `isExact`.
func checkSums(upTo largestCount: Int, on communicator: any Communicator) throws {
    for count in [0, 1, 2, 3, 5, 7, 8, 9, 31, 64, 1000, 16_385, 300_007] where count <= largestCount {
        for microbatchCount in [communicator.worldSize, 11] {
            try checkSum(count: count, microbatchCount: microbatchCount, on: communicator)
        }
        try checkDoubles(count: count, on: communicator)
        try checkIntegers(count: count, on: communicator)
    }
}

/// Each rank sums its microbatches, then the ranks add their sums; the result is compared with all
/// microbatches summed on one rank.
private func checkSum(count: Int, microbatchCount: Int, on communicator: any Communicator) throws {
    let pool = WorkerPool(threads: 1)
    let (rank, worldSize) = (communicator.rank, communicator.worldSize)
    let tree = ReductionTree(sampleCount: microbatchCount, microbatchSize: 1)
    func sum(of microbatches: Range<Int>) -> [Float] {
        let values = microbatches.flatMap { microbatch in (0..<count).map { term(microbatch, $0) } }
        var sum = [Float](repeating: 0, count: count)
        var span = sum.mutableSpan
        sumMicrobatches(values.span, microbatchCount: microbatches.count, into: &span, on: pool)
        return sum
    }
    var found = sum(of: tree.microbatches(ofRank: rank, worldSize: worldSize))
    var span = found.mutableSpan
    try communicator.treeSum(&span)

    let expected = sum(of: 0..<microbatchCount)
    for i in 0..<count {
        let tolerance = communicator.isExact ? 0 : largestTerm * Float(microbatchCount) * Float.ulpOfOne
        let isClose =
            abs(found[i] - expected[i]) <= tolerance
            && (!communicator.isExact || found[i].bitPattern == expected[i].bitPattern)
        try expect(
            isClose,
            "element \(i) of \(count), \(microbatchCount) microbatches: sum \(found[i]), expected \(expected[i])"
        )
    }
    try checkSameOnAllRanks(found, on: communicator)
}

/// The bits must be the same on all ranks, whatever the world size.
private func checkSameOnAllRanks(_ values: [Float], on communicator: any Communicator) throws {
    let all = try communicator.allGather(values.span)
    for i in all.indices {
        let own = values[i % max(values.count, 1)]
        try expect(
            all[i].bitPattern == own.bitPattern,
            "element \(i % values.count) of \(values.count): \(all[i]) on rank \(i / values.count), here \(own)"
        )
    }
}

private func checkDoubles(count: Int, on communicator: any Communicator) throws {
    func sum(over ranks: Range<Int>, _ i: Int) -> Double {
        guard ranks.count > 1 else { return Double(term(ranks.lowerBound, i)) / 3 }
        let middle = ReductionTree.middle(of: ranks)
        return sum(over: ranks.lowerBound..<middle, i) + sum(over: middle..<ranks.upperBound, i)
    }
    let rank = communicator.rank
    var found = (0..<count).map { sum(over: rank..<rank + 1, $0) }
    var span = found.mutableSpan
    try communicator.treeSum(&span)
    for i in 0..<count {
        let expected = sum(over: 0..<communicator.worldSize, i)
        let tolerance = communicator.isExact ? 0 : abs(Double(largestTerm)) * 1e-15
        try expect(
            abs(found[i] - expected) <= tolerance, "double \(i) of \(count): \(found[i]), not \(expected)")
    }
}

private func checkIntegers(count: Int, on communicator: any Communicator) throws {
    var found = (0..<count).map { Int64(communicator.rank + 1) << 40 + Int64($0) }
    var span = found.mutableSpan
    try communicator.treeSum(&span)
    let ranks = Int64(communicator.worldSize)
    for i in 0..<count {
        let expected = (ranks * (ranks + 1) / 2) << 40 + ranks * Int64(i)
        try expect(found[i] == expected, "integer \(i) of \(count): \(found[i]), not \(expected)")
    }
}

private let largestTerm: Float = 0x1p20

/// A value between 2⁻²⁰ and 2²⁰ of either sign, such that another order of summation gives other
/// bits; some values are −0.
private func term(_ microbatch: Int, _ i: Int) -> Float {
    var bits = UInt64(truncatingIfNeeded: microbatch &* 0x9E37_79B9 &+ i) &* 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits ^= bits >> 31
    if i % 17 == 0 { return -0.0 }
    let significand = 1 + Float(bits >> 40) * 0x1p-24
    let exponent = Int(bits & 0xff) % 40 - 20
    return Float(sign: bits & 0x100 == 0 ? .plus : .minus, exponent: exponent, significand: significand)
}

/// Sums NaNs whose bits differ between ranks: the sum has the same bits on all ranks.
func checkStrangeSums(on communicator: any Communicator) throws {
    for count in [1, 7, 1000, 300_007] {
        var values = (0..<count).map { i in
            i % 3 == 2
                ? Float(i) : Float(bitPattern: 0x7fc0_0000 | UInt32(communicator.rank * 1000 + i % 1000 + 1))
        }
        var span = values.mutableSpan
        try communicator.treeSum(&span)
        try checkSameOnAllRanks(values, on: communicator)
        for i in values.indices where i % 3 != 2 {
            try expect(values[i].isNaN, "element \(i) of \(count): \(values[i]), expected NaN")
        }
    }
}
