/// A part of a random split of a source, stratified by class.
package struct SplitPart {
    /// `train`, `validation` or `test`.
    package let name: String
    package let records: RecordsPart
    /// The numbers of images of the part's smallest and largest class.
    package let classSizes: ClosedRange<Int>

    /// The parts of a source with the given shares.
    ///
    /// - Parameter options: Its shares and seed; 0 without a seed.
    /// - Throws: `SourceOptionError` if the source does not know the labels of its records,
    ///   `DatasetError` if a part would be empty.
    package static func parts(of source: any RecordSource, _ options: SourceOptions) throws -> [SplitPart] {
        guard case .shares(let shares) = options.split, let source = source as? any LabelledRecords else {
            throw SourceOptionError("--split with shares goes with folders and archives of images")
        }
        let seed = options.seed ?? 0
        let labels = options.isOutOfDistribution ? source.labels.map { _ in -1 } : source.labels
        let split = try SetSplit(of: labels, shares: shares, seed: seed, origin: source.origin)
        let cut = "of \(shares.map(String.init).joined(separator: "/")), seed \(seed)"
        return zip(["train", "validation", "test"], split.records).map { name, records in
            let sizes = Dictionary(grouping: records) { labels[$0] }.values.map(\.count)
            return SplitPart(
                name: name, records: RecordsPart(source, records, name: "\(name) \(cut)"),
                classSizes: (sizes.min() ?? 0)...(sizes.max() ?? 0))
        }
    }
}
