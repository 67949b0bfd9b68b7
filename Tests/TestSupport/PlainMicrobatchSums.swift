/// The specification of every sum over microbatches: the sum of `[a, b)` is that of its two halves,
/// of which the left is the larger if they differ.
///
/// - Parameter microbatches: One array of values for each microbatch, at least one.
package func plainTreeSum<Value: FloatingPoint>(_ microbatches: [[Value]]) -> [Value] {
    guard microbatches.count > 1 else { return microbatches[0] }
    let middle = (microbatches.count + 1) / 2
    return zip(plainTreeSum(Array(microbatches[..<middle])), plainTreeSum(Array(microbatches[middle...]))).map
    { $0 + $1 }
}
