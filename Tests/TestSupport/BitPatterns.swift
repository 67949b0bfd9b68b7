package import Checkpoints

/// The bits of floating-point values, for exact comparison of runs.
///
/// It is not a collection: for two collections that differ, the test library computes a minimal
/// diff, which takes hours for the gradients of a network.
package struct BitPatterns: Equatable, Sendable, CustomStringConvertible {
    package let patterns: [UInt32]

    package init(_ values: some Collection<Float>) { patterns = values.map(\.bitPattern) }

    /// The number of values and a hash of all of them.
    package var description: String {
        let mixed = patterns.reduce(UInt32(0)) { (($0 << 7 | $0 >> 25) ^ $1) &* 0x9E37_79B9 }
        return "\(patterns.count) values, mixed to \(String(mixed, radix: 16))"
    }
}

extension BitPatterns: CustomReflectable {
    /// Without children, so that the test library does not print the values.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The first difference of two collections, with both elements; `nil` if they are equal.
package func firstDifference<Element: Equatable>(
    _ found: some Collection<Element>, _ expected: some Collection<Element>
) -> String? {
    for (index, (a, b)) in zip(found, expected).enumerated() where a != b {
        return "element \(index) of \(found.count) is \(a), expected \(b)"
    }
    return found.count == expected.count
        ? nil : "there are \(found.count) elements, expected \(expected.count)"
}

/// The first value whose bits differ, with both values; `nil` if all are equal, including NaNs.
package func firstDifferentBits(_ found: some Collection<Float>, _ expected: some Collection<Float>)
    -> String?
{
    for (index, (a, b)) in zip(found, expected).enumerated() where a.bitPattern != b.bitPattern {
        return "value \(index) of \(found.count) is \(a), expected \(b)"
    }
    return found.count == expected.count ? nil : "there are \(found.count) values, expected \(expected.count)"
}

/// The first difference of two lists of tensors; `nil` if names, shapes and all bits are equal.
package func firstDifference(
    _ found: [Checkpoint.Tensor]?, _ expected: [Checkpoint.Tensor]?
) -> String? {
    guard let found, let expected else {
        return (found == nil) == (expected == nil) ? nil : "one of two is missing"
    }
    for (a, b) in zip(found, expected) {
        if a.name != b.name || a.shape != b.shape {
            return "'\(a.name)' of shape \(a.shape), expected '\(b.name)' of \(b.shape)"
        }
        if let difference = firstDifferentBits(a.elements, b.elements) { return "'\(a.name)': \(difference)" }
    }
    return found.count == expected.count
        ? nil : "there are \(found.count) tensors, expected \(expected.count)"
}

/// The first difference of the slots of two checkpoints; `nil` if all are equal.
package func firstDifference(_ found: [Checkpoint.Slot]?, _ expected: [Checkpoint.Slot]?) -> String? {
    guard found?.map(\.name) == expected?.map(\.name) else {
        return "slots \(found?.map(\.name) ?? []), expected \(expected?.map(\.name) ?? [])"
    }
    return zip(found ?? [], expected ?? []).lazy.compactMap { found, expected in
        firstDifference(found.tensors, expected.tensors).map { "\(found.name): \($0)" }
    }.first
}
