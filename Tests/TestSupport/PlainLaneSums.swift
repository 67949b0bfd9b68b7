/// The specification of every sum over lanes: `[a, b)` is the sum of its two halves, the left one larger.
///
/// - Parameter lanes: One array of values for each lane, at least one.
public func plainTreeSum<Value: FloatingPoint>(_ lanes: [[Value]]) -> [Value] {
    guard lanes.count > 1 else { return lanes[0] }
    let middle = (lanes.count + 1) / 2
    return zip(plainTreeSum(Array(lanes[..<middle])), plainTreeSum(Array(lanes[middle...]))).map { $0 + $1 }
}
