/// Checks labels, or makes them −1, and finds the number of classes.
struct LabelRule {
    let classNames: [String]
    private let isOutOfDistribution: Bool
    private let knownCount: Int?
    /// Labels beyond are no classes that anybody has, but numbers of something else.
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
                reason: "it names its classes itself: \(shortened(source.classNames))",
                remedy: "leave out the names that were given")
        }
        knownCount = options.classCount ?? (classNames.isEmpty ? source.classCount : classNames.count)
        guard classNames.isEmpty || classNames.count == knownCount else {
            throw DatasetError(
                action: "pack", place: source.origin,
                reason: "there are \(classNames.count) class names for \(knownCount ?? 0) classes")
        }
    }

    /// The number of classes; where nobody knows it, `largest` and one.
    func classCount(largest: Int32) -> Int { knownCount ?? Int(largest) + 1 }

    /// The label that is stored for a record.
    mutating func label(of record: Record) throws(DatasetError) -> Int32 {
        if isOutOfDistribution { return -1 }
        let expected = knownCount.map { 0..<$0 } ?? -1..<Self.mostClasses
        guard expected.contains(Int(record.label)) else {
            throw DatasetError(
                action: "take label \(record.label)", place: record.place,
                reason: "expected \(expected.lowerBound) to \(expected.upperBound - 1)",
                remedy: record.label < 0 ? "pack the images as out of distribution, or mend the label" : nil)
        }
        largest = max(largest, record.label)
        return record.label
    }
}
