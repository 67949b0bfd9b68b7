internal import Datasets

/// Checks labels, or replaces those of out-of-distribution images with −1, and determines the
/// number of classes.
struct LabelRule {
    let classNames: [String]
    private let isOutOfDistribution: Bool
    private let knownCount: Int?
    /// The limit for labels if the number of classes is unknown: larger numbers are not class
    /// labels.
    static let mostClasses = 1 << 20
    /// The largest label so far; −1 before any.
    private(set) var largest: Int32 = -1

    init(_ source: any RecordSource, _ options: PackingOptions) throws(DatasetError) {
        isOutOfDistribution = options.outOfDistribution
        guard !isOutOfDistribution else {
            classNames = []
            knownCount = nil
            return
        }
        classNames = options.classNames ?? source.classNames
        guard source.classNames.isEmpty || classNames == source.classNames else {
            throw DatasetError(
                action: "pack", place: source.origin,
                reason: "it has class names of its own: \(shortened(source.classNames))",
                remedy: "leave out the given class names")
        }
        knownCount = options.classCount ?? (classNames.isEmpty ? source.classCount : classNames.count)
        guard classNames.isEmpty || classNames.count == knownCount else {
            throw DatasetError(
                action: "pack", place: source.origin,
                reason: "there are \(classNames.count) class names for \(knownCount ?? 0) classes")
        }
    }

    /// The number of classes; if it is unknown, `largest` plus one.
    func classCount(largest: Int32) -> Int { knownCount ?? Int(largest) + 1 }

    /// The label that is stored for a record.
    mutating func label(of record: Record) throws(DatasetError) -> Int32 {
        if isOutOfDistribution { return -1 }
        let expected = knownCount.map { 0..<$0 } ?? -1..<Self.mostClasses
        guard expected.contains(Int(record.label)) else {
            throw DatasetError(
                action: "take label \(record.label)", place: record.place,
                reason: "expected \(expected.lowerBound) to \(expected.upperBound - 1)",
                remedy: record.label < 0
                    ? "pack the images as out of distribution, or correct the label" : nil)
        }
        largest = max(largest, record.label)
        return record.label
    }
}
