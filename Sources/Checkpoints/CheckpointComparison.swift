/// The differences between the tensors of two snapshots.
package struct CheckpointComparison: Equatable, Sendable {
    /// A tensor of both snapshots whose bits differ.
    package struct Difference: Equatable, Sendable {
        /// `state/…`, or the name of a slot and the tensor's, such as `momentum/…`.
        package var name: String
        /// Elements whose bits differ.
        package var count: Int
        package var elementCount: Int
        /// The largest absolute difference of two elements; NaN if one of the differences is NaN.
        package var largest: Float
    }

    /// In the order of the first snapshot.
    package var differences: [Difference] = []
    /// Messages about tensors that only one snapshot has, or whose shapes differ.
    package var mismatches: [String] = []
    /// Tensors that were compared.
    package var tensorCount = 0

    /// Compares state and slots; leaves slots out if one snapshot has none at all, like the best
    /// model.
    package init(_ first: Checkpoint, _ second: Checkpoint) {
        compare(first.state, second.state, "state")
        guard !first.slots.isEmpty && !second.slots.isEmpty else { return }
        let added = second.slots.filter { slot in !first.slots.contains { $0.name == slot.name } }
        for name in (first.slots + added).map(\.name) {
            compare(first.tensors(ofSlot: name), second.tensors(ofSlot: name), name)
        }
    }

    private mutating func compare(
        _ first: [Checkpoint.Tensor], _ second: [Checkpoint.Tensor], _ group: String
    ) {
        let others = Dictionary(second.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for tensor in first {
            let name = "\(group)/\(tensor.name)"
            guard let other = others[tensor.name] else {
                mismatches.append("\(name) is only in the first")
                continue
            }
            guard other.shape == tensor.shape else {
                mismatches.append("\(name) has shapes \(tensor.shape) and \(other.shape)")
                continue
            }
            tensorCount += 1
            if let difference = Self.difference(tensor, other, name) { differences.append(difference) }
        }
        let known = Set(first.map(\.name))
        for tensor in second where !known.contains(tensor.name) {
            mismatches.append("\(group)/\(tensor.name) is only in the second")
        }
    }

    private static func difference(
        _ first: Checkpoint.Tensor, _ second: Checkpoint.Tensor, _ name: String
    ) -> Difference? {
        var count = 0
        var largest: Float = 0
        for (a, b) in zip(first.elements, second.elements) where a.bitPattern != b.bitPattern {
            count += 1
            let distance = abs(a - b)
            if distance.isNaN || distance > largest { largest = distance }
            if largest.isNaN { break }
        }
        guard count > 0 else { return nil }
        return Difference(name: name, count: count, elementCount: first.elements.count, largest: largest)
    }
}
