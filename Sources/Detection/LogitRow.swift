internal import Numerics

/// The sum of `exp(row[k] − largest)` over all classes; NaN if any logit is NaN.
func exponentialSum(_ row: Span<Float>, below largest: Float) -> Float {
    var sum: Float = 0
    for k in row.indices { sum += exponential(row[k] - largest) }
    return sum
}

/// The largest element, or NaN if any element is NaN.
func maximumOrNaN(_ row: Span<Float>) -> Float {
    var largest = row[0]
    for k in row.indices where row[k] > largest || row[k].isNaN { largest = row[k] }
    return largest
}
