package import Datasets
internal import SystemPackage

/// A tar that contains one tar of images for each class, such as `ILSVRC2012_img_train.tar`. It is
/// read once from front to back, without unpacking. `NestedTarIndex` reads uncompressed archives in
/// any order.
///
/// A class has the name of its inner archive, without the file extension. Labels follow the given
/// order, or the byte order of the names, as in OpenOOD and torchvision for ImageNet. The outer
/// archive is listed once in advance.
package final class NestedTarArchive: RecordSource {
    package let origin: String
    package let identity: String
    package let classNames: [String]
    private let labelOfName: [[UInt8]: Int32]
    private let byteCount: Int
    private var outer: ArchiveReader
    private var inner: ArchiveReader?
    private var current: (name: String, place: String, offset: Int, label: Int32)
    private var seen: Set<[UInt8]> = []
    private var filled: [String] = []
    private var skipped = SkippedEntries()
    private var innerOffset = 0
    private var isAtEnd = false

    /// The number of images is unknown until the end.
    package var count: Int? { nil }

    package var fractionRead: Double? {
        outer.isUncompressed ? Double(current.offset + innerOffset) / Double(max(byteCount, 1)) : nil
    }

    package var notes: [String] { skipped.notes + emptyClasses(classNames, filled) }

    /// Whether the first file in an archive is an archive itself.
    package static func isNested(_ path: String) throws(DatasetError) -> Bool {
        var reader = try ArchiveReader(path, .tar)
        while let entry = try reader.nextEntry() {
            if entry.isFile { return classNameOfArchive(entry.name) != nil }
        }
        return false
    }

    /// Opens the archive.
    ///
    /// - Parameter order: The classes in the order of their labels; those of the archive, sorted,
    ///   if `nil`.
    /// - Throws: If there is no such archive, or it contains no archive.
    package init(_ path: String, order: ClassOrder? = nil) throws(DatasetError) {
        origin = path
        identity = fileIdentity(path)
        byteCount = try ReadableFile(path).byteCount
        let found = try listedNames(path)
        classNames = order?.names(for: found) ?? found
        guard !classNames.isEmpty else {
            throw DatasetError(action: "read archive", place: path, reason: "there is no .tar file in it")
        }
        labelOfName = Dictionary(
            zip(classNames.map(\.bytesKey), Int32(0)...), uniquingKeysWith: { first, _ in first })
        outer = try ArchiveReader(path, .tar)
        current = ("", path, 0, 0)
    }

    package func next() throws(DatasetError) -> Record? {
        guard let entry = try nextImage() else { return nil }
        let place = "\(current.place), at byte \(entry.offset): \(entry.name.text)"
        var record = Record(
            path: FilePath(current.name).appending(entry.name.components), label: current.label, place: place,
            payload: .encoded([]))
        if let error = tooLarge(entry.byteCount, place: place) {
            record.payload = .damaged(error)
            return record
        }
        let bytes = try inner?.read(atMost: entry.byteCount) ?? []
        guard bytes.count == entry.byteCount else {
            throw DatasetError(
                action: "read", place: place,
                reason: "only \(bytes.count) of its \(entry.byteCount) bytes could be read")
        }
        record.payload = .encoded(bytes)
        return record
    }

    package func skip(_ count: Int) throws(DatasetError) -> Int {
        for passed in 0..<count where try nextImage() == nil { return passed }
        return count
    }

    /// Advances to the next image; `nil` after the last one.
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
            guard skipped.take(entry) else { continue }
            if hasImageEnding(entry.name) {
                if filled.last != current.name { filled.append(current.name) }
                return entry
            }
            skipped.add(entry.name, .noImage)
        }
        return nil
    }

    /// Opens the next class's archive; `false` after the last one.
    private func openNextArchive() throws(DatasetError) -> Bool {
        while let entry = try outer.nextEntry() {
            guard skipped.take(entry) else { continue }
            guard let name = classNameOfArchive(entry.name) else {
                skipped.add(entry.name, .noImage)
                continue
            }
            let place = "\(origin), at byte \(entry.offset): \(entry.name.text)"
            guard let label = labelOfName[name.bytesKey] else {
                throw DatasetError(
                    action: "find the class '\(name)'", place: place,
                    reason: "the order of classes has no such name",
                    remedy: "give the order that belongs to the archive")
            }
            guard seen.insert(name.bytesKey).inserted else {
                throw DatasetError(
                    action: "read archive", place: place, reason: "the class '\(name)' occurs twice")
            }
            current = (name, place, entry.offset, label)
            inner = try ArchiveReader(place, inside: outer)
            return true
        }
        return false
    }
}

/// The class name of an inner archive, as printable text; `nil` if the file is not an archive.
func classNameOfArchive(_ path: FilePath) -> String? {
    let file = lastName(of: path)
    let ending = [".tar", ".tar.gz", ".tgz"].first { file.hasSuffix($0) }
    return ending.map { String(file.dropLast($0.count)) }
}

private func listedNames(_ path: String) throws(DatasetError) -> [String] {
    var names: [[UInt8]: String] = [:]
    var reader = try ArchiveReader(path, .tar)
    while let entry = try reader.nextEntry() {
        if entry.isFile, entry.name.isVisible, let name = classNameOfArchive(entry.name) {
            names[name.bytesKey] = name
        }
    }
    return sortedByBytes(Array(names.values))
}
