/// The values as sorted integer keys, with the same order and the same ties.
///
/// This is a least-significant-digit radix sort with six digits of 11 bits. A digit that all keys
/// share takes no pass, such as the last digits of numbers that came from single precision.
///
/// - Returns: The keys in ascending order, or the number of values that are NaN or infinite.
func sortedKeys(_ values: Span<Double>) -> Result<[UInt64], InvalidCount> {
    var keys = [UInt64](repeating: 0, count: values.count)
    var counts = [Int](repeating: 0, count: digits * digitValues)
    var invalidCount = 0
    for i in values.indices {
        let key = orderedKey(values[i])
        if !values[i].isFinite { invalidCount += 1 }
        keys[i] = key
        for digit in 0..<digits { counts[digit * digitValues + value(of: digit, in: key)] += 1 }
    }
    guard invalidCount == 0 else { return .failure(InvalidCount(count: invalidCount)) }

    var sorted = [UInt64](repeating: 0, count: keys.count)
    for digit in 0..<digits {
        let own = digit * digitValues..<(digit + 1) * digitValues
        if counts[own].contains(keys.count) { continue }
        var start = 0
        for slot in own {
            let count = counts[slot]
            counts[slot] = start
            start += count
        }
        for key in keys {
            let slot = own.lowerBound + value(of: digit, in: key)
            sorted[counts[slot]] = key
            counts[slot] += 1
        }
        swap(&keys, &sorted)
    }
    return .success(keys)
}

/// The number of values that are NaN or infinite.
struct InvalidCount: Error { var count: Int }

private let digits = 6
private let digitBits = 11
private let digitValues = 1 << digitBits

private func value(of digit: Int, in key: UInt64) -> Int {
    Int(truncatingIfNeeded: key >> UInt64(digit * digitBits)) & (digitValues - 1)
}

/// An integer that orders like the finite `value`; both zeros give the same integer.
private func orderedKey(_ value: Double) -> UInt64 {
    let bits = (value + 0).bitPattern
    return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
}
