/// A tar of one tar of images for each class, such as `ILSVRC2012_img_train.tar`: read once from front to back as it comes,
/// without unpacking. `NestedTarIndex` reads those in any order that are not compressed.
///
/// A class is named by its inner archive, without the ending. Labels follow the order that is given, or else that of
/// the names' bytes, as OpenOOD and torchvision have them for ImageNet; then the outer archive is listed once before.
public final class NestedTarArchive: RecordSource {
    public let origin: String
    public let identity: String
    public let classNames: [String]
    private let labelOfName: [String: Int32]
    private let byteCount: Int
    private var outer: ArchiveReader
    private var inner: ArchiveReader?
    private var current: (name: String, place: String, offset: Int, label: Int32)
    private var seen: Set<String> = []
    private var othersCount = 0
    private var innerOffset = 0
    private var isAtEnd = false

    /// How many images there are only the end tells.
    public var count: Int? { nil }

    public var fractionRead: Double? {
        outer.isUncompressed ? Double(current.offset + innerOffset) / Double(max(byteCount, 1)) : nil
    }

    public var notes: [String] {
        let missing = classNames.filter { !seen.contains($0) }
        return (othersCount == 0 ? [] : ["\(othersCount) files that are no images"])
            + (missing.isEmpty
                ? []
                : [
                    "\(missing.count) of \(classNames.count) classes are not in the archive, \(missing[0]) first"
                ])
    }

    /// Whether the first file in an archive is an archive itself.
    public static func isNested(_ path: String) throws(DatasetError) -> Bool {
        var reader = try ArchiveReader(path, .tar)
        while let entry = try reader.nextEntry() {
            if entry.isFile { return classNameOfArchive(entry.path) != nil }
        }
        return false
    }

    /// Opens the archive.
    ///
    /// - Parameter order: The classes in the order of their labels; those of the archive, sorted, if `nil`.
    /// - Throws: If there is no such archive, or no archive in it.
    public init(_ path: String, order: SynsetOrder? = nil) throws(DatasetError) {
        origin = path
        identity = fileIdentity(path)
        byteCount = try ReadableFile(path).byteCount
        if let order { classNames = order.names } else { classNames = try listedNames(path) }
        guard !classNames.isEmpty else {
            throw DatasetError(action: "read archive", place: path, reason: "there is no .tar file in it")
        }
        labelOfName = Dictionary(zip(classNames, Int32(0)...), uniquingKeysWith: { first, _ in first })
        outer = try ArchiveReader(path, .tar)
        current = ("", path, 0, 0)
    }

    public func next() throws(DatasetError) -> Record? {
        guard let entry = try nextImage() else { return nil }
        let place = "\(current.place), at byte \(entry.offset): \(entry.path)"
        var record = Record(
            path: "\(current.name)/\(entry.path)", label: current.label, place: place, payload: .encoded([]))
        if let error = tooLarge(entry.byteCount, place: place) {
            record.payload = .damaged(error)
            return record
        }
        let bytes = try inner?.read(atMost: entry.byteCount) ?? []
        guard bytes.count == entry.byteCount else {
            throw DatasetError(
                action: "read", place: place,
                reason: "\(bytes.count) of its \(entry.byteCount) bytes are there")
        }
        record.payload = .encoded(bytes)
        return record
    }

    public func skip(_ count: Int) throws(DatasetError) -> Int {
        for passed in 0..<count where try nextImage() == nil { return passed }
        return count
    }

    /// Goes to the next image.
    private func nextImage() throws(DatasetError) -> ArchiveReader.Entry? {
        while !isAtEnd {
            if inner == nil, try !openNextArchive() {
                isAtEnd = true
                break
            }
            guard let entry = try inner?.nextEntry() else {
                inner = nil
                innerOffset = 0
                continue
            }
            innerOffset = entry.offset
            guard entry.isFile, isVisible(entry.path) else { continue }
            if hasImageEnding(entry.path) { return entry }
            othersCount += 1
        }
        return nil
    }

    /// Goes to the next class; `false` after the last one.
    private func openNextArchive() throws(DatasetError) -> Bool {
        while let entry = try outer.nextEntry() {
            guard entry.isFile, isVisible(entry.path) else { continue }
            guard let name = classNameOfArchive(entry.path) else {
                othersCount += 1
                continue
            }
            let place = "\(origin), at byte \(entry.offset): \(entry.path)"
            guard let label = labelOfName[name] else {
                throw DatasetError(
                    action: "find the class '\(name)'", place: place,
                    reason: "the order of classes has no such name",
                    remedy: "give the order that belongs to the archive")
            }
            guard seen.insert(name).inserted else {
                throw DatasetError(
                    action: "read archive", place: place, reason: "the class '\(name)' is there twice")
            }
            current = (name, place, entry.offset, label)
            inner = try ArchiveReader(place, inside: outer)
            return true
        }
        return false
    }
}

/// The name of the class that an inner archive holds; `nil` if it is no archive.
func classNameOfArchive(_ path: String) -> String? {
    let file = lastComponent(path)
    let ending = [".tar", ".tar.gz", ".tgz"].first { file.hasSuffix($0) }
    return ending.map { String(file.dropLast($0.count)) }
}

private func listedNames(_ path: String) throws(DatasetError) -> [String] {
    var names: Set<String> = []
    var reader = try ArchiveReader(path, .tar)
    while let entry = try reader.nextEntry() {
        if entry.isFile, isVisible(entry.path), let name = classNameOfArchive(entry.path) {
            names.insert(name)
        }
    }
    return sortedByBytes(Array(names))
}
