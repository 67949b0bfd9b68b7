/// The binary version of CIFAR-10 or CIFAR-100: one or several files of 3,073- or 3,074-byte records.
///
/// A record is one label byte (CIFAR-100: coarse, then fine; the fine one is used) and 1,024 bytes each of red, green and
/// blue. Krizhevsky: "Learning multiple layers of features from tiny images", 2009. A file that is cut off gives its
/// complete records, and `notes` says so.
public struct CIFARArchive: RecordSource {
    public enum Variant: String, Sendable, CaseIterable {
        case cifar10, cifar100

        public var classCount: Int { self == .cifar10 ? 10 : 100 }
        var labelByteCount: Int { self == .cifar10 ? 1 : 2 }
        var recordByteCount: Int { labelByteCount + 3 * pixelCount }
        /// The file of class names that lies beside the official binary files.
        var namesFile: String { self == .cifar10 ? "batches.meta.txt" : "fine_label_names.txt" }
    }

    /// The bytes after a file's last complete record.
    public let leftoverByteCounts: [String: Int]
    public let origin: String
    public let classNames: [String]
    public let count: Int
    private let variant: Variant
    private let files: [ReadableFile]
    private var file = 0
    private var record = 0

    public var classCount: Int? { variant.classCount }

    public var notes: [String] {
        files.compactMap { file in
            leftoverByteCounts[file.path].map { leftover in
                "\(file.path) is cut off: \(file.byteCount / variant.recordByteCount) complete records, "
                    + "\(leftover) bytes left over"
            }
        }
    }

    /// Opens the files, whose records are read one file after the other.
    ///
    /// - Throws: If a file is missing or holds no complete record.
    public init(_ paths: [String], _ variant: Variant) throws(DatasetError) {
        precondition(!paths.isEmpty, "a CIFAR archive of no files")
        var files: [ReadableFile] = []
        for path in paths { files.append(try ReadableFile(path)) }
        let size = variant.recordByteCount
        if let short = files.first(where: { $0.byteCount < size }) {
            throw DatasetError(
                action: "read \(variant.rawValue) records", place: short.path,
                reason: "it has \(short.byteCount) bytes, expected records of \(size)")
        }
        self.variant = variant
        self.files = files
        origin = paths.joined(separator: ", ")
        count = files.reduce(0) { $0 + $1.byteCount / size }
        classNames = readNames(beside: paths[0], variant)
        leftoverByteCounts = Dictionary(
            files.filter { !$0.byteCount.isMultiple(of: size) }.map { ($0.path, $0.byteCount % size) },
            uniquingKeysWith: { first, _ in first })
    }

    public mutating func next() throws(DatasetError) -> Record? {
        let size = variant.recordByteCount
        while file < files.count && record >= files[file].byteCount / size {
            file += 1
            record = 0
        }
        guard file < files.count else { return nil }
        let index = record
        record += 1
        let bytes = try files[file].read(at: index * size, count: size)
        let place = "\(files[file].path), record \(index)"
        return Record(
            path: place, label: Int32(bytes[variant.labelByteCount - 1]), place: place,
            payload: .pixels(interleaved(bytes[variant.labelByteCount...])))
    }
}

private let side = 32
private let pixelCount = side * side

/// Turns three planes into pixels of three channels.
private func interleaved(_ planes: ArraySlice<UInt8>) -> RGBImage {
    var bytes = [UInt8](repeating: 0, count: 3 * pixelCount)
    for channel in 0..<3 {
        let plane = planes.startIndex + channel * pixelCount
        for pixel in 0..<pixelCount { bytes[3 * pixel + channel] = planes[plane + pixel] }
    }
    return RGBImage(width: side, height: side, bytes: bytes)
}

/// The official names if their file lies there and has one for each class, else none.
private func readNames(beside path: String, _ variant: CIFARArchive.Variant) -> [String] {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    guard let bytes = try? ReadableFile.contents(of: folder + variant.namesFile) else { return [] }
    let names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        .map { $0.trimmingBlanks() }.filter { !$0.isEmpty }
    return names.count == variant.classCount ? names : []
}
