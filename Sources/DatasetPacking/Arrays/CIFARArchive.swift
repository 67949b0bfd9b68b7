package import Datasets

/// CIFAR-10 or CIFAR-100 in the binary or the Python version: the official archive, the folder it
/// unpacks to, or single files.
///
/// A binary record is one label byte (CIFAR-100: a coarse, then a fine one; the fine one is used)
/// and 1,024 bytes each of red, green and blue. The Python version holds the same in pickles, which
/// are parsed and never executed. Krizhevsky: "Learning multiple layers of features from tiny
/// images", 2009. A truncated binary file yields its complete records and a note in `notes`.
package struct CIFARArchive: IndexedRecordSource {
    package enum Variant: String, Sendable, CaseIterable {
        case cifar10, cifar100

        package var classCount: Int { self == .cifar10 ? 10 : 100 }
    }

    /// The official splits.
    package enum Split: String, Sendable, CaseIterable {
        case train
        /// For archives with three splits, such as MedMNIST's.
        case val
        case test
        /// All splits, one after the other.
        case all
    }

    /// The number of bytes after the last complete record, for each truncated file.
    package let leftoverByteCounts: [String: Int]
    package let origin: String
    package let classNames: [String]
    package let recordCount: Int
    package let identity: String
    private let variant: Variant
    private let batches: [CIFARBatch]
    private var index = 0

    package var classCount: Int? { variant.classCount }

    package var notes: [String] {
        batches.filter { $0.leftoverByteCount > 0 }.map { batch in
            "\(batch.place) is cut off: \(batch.count) complete records, "
                + "\(batch.leftoverByteCount) bytes left over"
        }
    }

    /// Opens files of either version; their records follow one another in the given order.
    ///
    /// - Throws: If a file is missing, damaged or holds no complete record.
    package init(_ paths: [String], _ variant: Variant) throws(DatasetError) {
        precondition(!paths.isEmpty, "a CIFAR archive has 0 files, expected at least 1")
        var batches: [CIFARBatch] = []
        for path in paths { batches.append(try CIFARBatch(path, variant)) }
        let folder = paths[0].lastIndex(of: "/").map { String(paths[0][...$0]) } ?? ""
        let names = variant.nameFiles.lazy.compactMap { file in
            (try? ReadableFile.contents(of: folder + file)).flatMap { variant.classNames(in: $0) }
        }
        self.init(
            batches, variant, origin: paths.joined(separator: ", "),
            identity: paths.map(fileIdentity).joined(separator: ", "), classNames: names.first ?? [])
    }

    /// Reads an official archive, such as `cifar-10-python.tar.gz`, or the folder it unpacks to.
    ///
    /// An archive is read once from front to back into memory, at most 180 MB.
    ///
    /// - Throws: If there is no such file or folder, or a file of the split is missing, damaged, or
    ///   occurs twice.
    package init(archive path: String, _ variant: Variant, _ split: Split) throws(DatasetError) {
        let wanted = variant.files(of: split)
        guard !wanted.isEmpty else {
            throw DatasetError(
                action: "read \(variant.rawValue)", place: path,
                reason: "it has no split '\(split.rawValue)'",
                remedy: "expected train, test or all")
        }
        let found = try NamedFiles(
            Set(wanted.flatMap { [$0, "\($0).bin"] } + variant.nameFiles), in: path)
        var batches: [CIFARBatch] = []
        for name in wanted {
            guard let file = try found.only(of: [name, "\(name).bin"]) else {
                throw DatasetError(
                    action: "read \(variant.rawValue)", place: path,
                    reason: "there is no file '\(name)' or '\(name).bin'",
                    remedy: "give the official archive, the folder it unpacks to, or the files themselves")
            }
            batches.append(try CIFARBatch(file.bytes, place: file.place, variant))
        }
        let names = try found.only(of: variant.nameFiles).flatMap { variant.classNames(in: $0.bytes) }
        self.init(
            batches, variant, origin: path, identity: "\(fileIdentity(path)), \(split.rawValue)",
            classNames: names ?? [])
    }

    private init(
        _ batches: [CIFARBatch], _ variant: Variant, origin: String, identity: String, classNames: [String]
    ) {
        self.variant = variant
        self.batches = batches
        self.origin = origin
        self.identity = identity
        self.classNames = classNames
        recordCount = batches.reduce(0) { $0 + $1.count }
        leftoverByteCounts = Dictionary(
            batches.filter { $0.leftoverByteCount > 0 }.map { ($0.place, $0.leftoverByteCount) },
            uniquingKeysWith: { first, _ in first })
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < recordCount else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        var (batch, rest) = (0, index)
        while rest >= batches[batch].count {
            rest -= batches[batch].count
            batch += 1
        }
        return try batches[batch].record(rest)
    }
}
