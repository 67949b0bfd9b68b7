import Cluster
import Synchronization

/// Compares gradients that are summed bucket by bucket during a backward pass with the same sums
/// computed at once.
func checkReductions(on communicator: any Communicator) throws {
    let counts = [9, 1000, 31, 70_001, 8, 4096]
    var tensors: [Range<Int>] = []
    for count in counts {
        let end = tensors.last?.upperBound ?? 0
        tensors.append(end..<end + count)
    }
    let count = tensors.last!.upperBound
    for (method, byteCount) in [
        (GradientReduction.Method.tree, 4096), (.tree, 1), (.tree, 8 << 20), (.library, 4096),
    ] {
        let buckets = GradientBuckets(tensors: tensors, byteCount: byteCount)
        let sums = Mutex(0)
        let reduction = try GradientReduction(
            buckets, over: try communicator.duplicate(), method: method,
            observer: { _, _ in sums.withLock { $0 += 1 } })
        for pass in 0..<3 {
            var expected = gradients(count, pass, rank: communicator.rank)
            var expectedSpan = expected.mutableSpan
            switch method {
            case .tree: try communicator.treeSum(&expectedSpan)
            case .library: try communicator.librarySum(&expectedSpan)
            }
            var found = gradients(count, pass, rank: communicator.rank)
            var span = found.mutableSpan
            unsafe reduction.begin(&span)
            for tensor in tensors.reversed() {
                reduction.complete(tensor)
                // Messages of the backward pass itself must not mix with those of the sums.
                let pass = try communicator.maximum(pass)
                try expect(pass >= 0, "maximum \(pass)")
            }
            try reduction.finish()
            for i in found.indices {
                // The library may add in another order if a message is longer.
                let tolerance = method == .library ? 1e-5 * abs(expected[i]) : 0
                try expect(
                    abs(found[i] - expected[i]) <= tolerance,
                    "element \(i) of pass \(pass) in buckets of \(byteCount) bytes: \(found[i]), expected \(expected[i])"
                )
            }
        }
        let summed = sums.withLock(\.self)
        try expect(
            summed == 3 * buckets.ranges.count,
            "\(summed) sums of \(buckets.ranges.count) buckets in 3 passes")
    }
}

private func gradients(_ count: Int, _ pass: Int, rank: Int) -> [Float] {
    (0..<count).map { Float(($0 * 37 + rank * 101 + pass * 17) % 1009) / 7 + 1 }
}
