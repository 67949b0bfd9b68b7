internal import Datasets
internal import Files
internal import Foundation

/// What is to be packed, and the options that say how it is read.
package struct SourceOptions: Sendable {
    /// A folder, an archive, or the files of a set, as the user has named them; a name may have
    /// ranges of numbers in braces.
    package var inputs: [String]
    /// The given format; by content if `nil`.
    package var format: DatasetFormat?
    /// The path of an image list.
    package var list: String?
    /// The path of an array's labels; the file beside the images if `nil`.
    package var labels: String?
    package var split: SplitChoice?
    /// The seed of a random split.
    package var seed: UInt64?
    /// The path of ImageNet's devkit.
    package var devkit: String?
    package var isTransposed = false
    /// The path of the class names in the order of their labels.
    package var classOrder: String?
    package var isOutOfDistribution = false
    package var classCount: Int?
    /// The class names in the order of their labels, or names for a source without any.
    package var classNames: [String] = []

    package init(inputs: [String]) { self.inputs = inputs }

    /// The format of the inputs and their reader.
    ///
    /// - Throws: `SourceOptionError` if an option does not apply to the format or is missing,
    ///   `DatasetError` if the inputs are of no format or cannot be opened.
    package func open() throws -> (format: DatasetFormat, source: any RecordSource) {
        let format = try foundFormat()
        try check(optionsFor: format)
        return (format, try format.open(self))
    }

    /// The class names for a source without any; `nil` if the names give an order instead.
    package func classNames(in format: DatasetFormat) -> [String]? {
        classNames.isEmpty || ordersClasses(of: format) ? nil : classNames
    }

    /// The order of the classes that the user has given, if any; for formats that have names of
    /// classes.
    func givenOrder() throws(DatasetError) -> ClassOrder? {
        if let classOrder { return try ClassOrder(classOrder) }
        guard !classNames.isEmpty, list == nil, devkit == nil else { return nil }
        return try ClassOrder(classNames, place: "--class-names")
    }

    /// The given format, or that of the first input by its content; throws for an unknown one.
    private func foundFormat() throws -> DatasetFormat {
        if let format { return format }
        let path = try firstFile()
        let kind = SourceKind(InputContent(path), self)
        if let refusal = kind.refusal(of: path) { throw refusal }
        guard case .format(let format) = kind else {
            preconditionFailure("\(path) is \(kind), without a refusal")
        }
        return format
    }

    /// Whether `--class-names` gives the order of class names that a source in this format has.
    private func ordersClasses(of format: DatasetFormat) -> Bool {
        list == nil && devkit == nil && format.options.contains(.classOrder)
    }

    /// Throws if an option does not apply to the format.
    private func check(optionsFor format: DatasetFormat) throws {
        // The reader reports a missing input.
        guard let path = inputs.first, try FileManager.default.fileExists(atPath: firstFile()) else { return }
        for option in SourceOption.allCases where isGiven(option) && !format.options.contains(option) {
            throw SourceOptionError(
                "\(option.words) goes with \(option.formatNames); \(path) is read as \(format.name)")
        }
    }

    private func isGiven(_ option: SourceOption) -> Bool {
        switch option {
        case .list: list != nil
        case .devkit: devkit != nil
        case .labels: labels != nil
        case .transpose: isTransposed
        case .classOrder: classOrder != nil
        case .part: if case .part = split { true } else { false }
        case .shares: hasShares
        }
    }

    var hasShares: Bool { if case .shares = split { true } else { false } }
}
