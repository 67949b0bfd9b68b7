/// Moves the `count` smallest values to the front, in any order.
///
/// Quickselect with the median of three as pivot and without branches on values, which no processor
/// could predict.
///
/// - Precondition: `count` is from 1 to the number of values, and no value is NaN.
package func gatherSmallest(_ count: Int, of values: inout MutableSpan<Float>) {
    precondition(
        (1...max(values.count, 1)).contains(count), "count is \(count), expected 1 to \(values.count)")
    guard count < values.count else { return }
    var (low, high) = (0, values.count)
    while high - low > 1 {
        let (a, b, c) = (values[low], values[(low + high) / 2], values[high - 1])
        let pivot = max(min(a, b), min(max(a, b), c))
        let middle = gather(low..<high, of: &values) { $0 < pivot }
        if count <= middle {
            high = middle
            continue
        }
        // The pivot leaves the range here, so the range shrinks each time.
        low = gather(middle..<high, of: &values) { $0 == pivot }
        if count <= low { return }
    }
}

/// Moves the values of a range for which `belongs` is true to its front; returns where they end.
@inline(__always)
private func gather(
    _ range: Range<Int>, of values: inout MutableSpan<Float>, where belongs: (Float) -> Bool
) -> Int {
    var end = range.lowerBound
    for place in range {
        let value = values.element(at: place)
        values.put(values.element(at: end), at: place)
        values.put(value, at: end)
        end += belongs(value) ? 1 : 0
    }
    return end
}
