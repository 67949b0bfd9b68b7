/// How far the tensors of two snapshots are apart.
public struct CheckpointComparison: Equatable, Sendable {
    /// A tensor of both that has other bits.
    public struct Difference: Equatable, Sendable {
        /// `state/…` or `momentum/…`.
        public var name: String
        /// Elements with other bits.
        public var count: Int
        public var elementCount: Int
        /// The largest distance of two elements; NaN where one of them is.
        public var largest: Float
    }

    /// In the order of the first snapshot.
    public var differences: [Difference] = []
    /// Tensors of one snapshot alone, or of other shapes, with what is the matter.
    public var mismatches: [String] = []
    /// Tensors that were compared.
    public var tensorCount = 0

    /// Compares state and momentum; where one snapshot has no momentum at all, as the best model, it is left out.
    public init(_ first: Checkpoint, _ second: Checkpoint) {
        compare(first.state, second.state, "state")
        if !first.momentum.isEmpty && !second.momentum.isEmpty {
            compare(first.momentum, second.momentum, "momentum")
        }
    }

    private mutating func compare(
        _ first: [Checkpoint.Tensor], _ second: [Checkpoint.Tensor], _ group: String
    ) {
        let others = Dictionary(second.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for tensor in first {
            let name = "\(group)/\(tensor.name)"
            guard let other = others[tensor.name] else {
                mismatches.append("\(name) is in the first alone")
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
            mismatches.append("\(group)/\(tensor.name) is in the second alone")
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
