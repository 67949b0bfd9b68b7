package import Workers

/// Adds an earlier sum to `sum`: `sum = earlier + sum`.
package func addEarlier(_ earlier: Span<Float>, to sum: inout MutableSpan<Float>, on pool: WorkerPool) {
    precondition(earlier.count == sum.count, "\(earlier.count) and \(sum.count) elements")
    pool.split(&sum, every: 4096) { item, part in
        let start = item * 4096
        var i = 0
        while i + vectorWidth <= part.count {
            part.store(earlier.vector(at: start + i) + part.vector(at: i), at: i)
            i += vectorWidth
        }
        while i < part.count {
            part[i] = earlier[start + i] + part[i]
            i += 1
        }
    }
}
