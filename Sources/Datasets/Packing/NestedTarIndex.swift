internal import Foundation

/// One tar of images for each class, in an uncompressed tar (`ILSVRC2012_img_train.tar`) or in a folder: read in any order, without
/// unpacking.
///
/// Classes and labels are as in `NestedTarArchive`. The headers are read once when it is made, of 1.3 million images 1.3 million small
/// reads; the images lie in the order of the outer archive, or of the archives' names in a folder.
public struct NestedTarIndex: IndexedRecordSource {
    private struct Image {
        var path: String
        var archive: Int32
        /// Of the header in the inner archive.
        var offset: Int
        var byteCount: Int32
    }

    public let origin: String
    public let identity: String
    public let classNames: [String]
    public let notes: [String]
    private let archives: [ClassArchive]
    private let labels: [Int32]
    private let images: [Image]
    private var index = 0

    public var recordCount: Int { images.count }

    /// Whether a folder holds archives of classes and no images.
    public static func isFolderOfArchives(_ path: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.contains { isVisible($0) && classNameOfArchive($0) != nil }
            && !names.contains(where: hasImageEnding)
    }

    /// Reads all headers.
    ///
    /// - Parameter order: The classes in the order of their labels; those of the archives, sorted, if `nil`.
    /// - Returns: `nil` where archives are compressed in an archive, which must be read from front to back.
    /// - Throws: If there are no archives, one cannot be read or is cut off, or its class has no label.
    public init?(_ path: String, order: SynsetOrder? = nil) throws(DatasetError) {
        var others = 0
        var isFolder: ObjCBool = false
        _ = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let found = isFolder.boolValue ? try archivesInFolder(path) : try archivesInTar(path, &others)
        guard let archives = found else { return nil }
        for archive in archives where try !archive.isPlain() {
            guard isFolder.boolValue else { return nil }
            throw DatasetError(
                action: "read archive", place: archive.place, reason: "it is no uncompressed tar",
                remedy: "uncompress the archives of the folder")
        }
        classNames = order?.names ?? sortedByBytes(archives.map(\.name))
        labels = try labelsOf(archives, classNames)
        var images: [Image] = []
        for index in archives.indices {
            images += try Self.images(of: archives[index], Int32(index), &others)
        }
        let missing = Set(classNames).subtracting(archives.map(\.name))
        notes =
            (others == 0 ? [] : ["\(others) files that are no images"])
            + (missing.isEmpty
                ? []
                : [
                    "\(missing.count) of \(classNames.count) classes are not in the archive, \(sortedByBytes(Array(missing))[0]) first"
                ])
        origin = path
        identity = isFolder.boolValue ? pathsHash(images.map(\.path)) : fileIdentity(path)
        self.archives = archives
        self.images = images
    }

    public mutating func next() throws(DatasetError) -> Record? {
        guard index < images.count else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    public func record(_ index: Int) throws(DatasetError) -> Record {
        let image = images[index]
        let archive = archives[Int(image.archive)]
        let place = "\(archive.place), at byte \(image.offset): \(image.path)"
        let (header, byteCount) = (archive.start + image.offset, Int(image.byteCount))
        var record = Record(
            path: "\(archive.name)/\(image.path)", label: labels[Int(image.archive)], place: place,
            payload: .encoded([]))
        if let error = tooLarge(byteCount, place: place) {
            record.payload = .damaged(error)
        } else if let start = try archive.file.withDescriptor({ (descriptor) throws(DatasetError) in
            try tarContentStart(descriptor, at: header, byteCount: byteCount, place: place)
        }) {
            record.payload = .encoded(try archive.file.read(at: start, count: byteCount))
        } else {
            record.payload = .damaged(
                DatasetError(action: "read image", place: place, reason: "it is a sparse file or a link"))
        }
        return record
    }

    /// The images of one class's archive, by its headers.
    private static func images(
        of archive: ClassArchive, _ index: Int32, _ others: inout Int
    ) throws(DatasetError) -> [Image] {
        let file = try ReadableFile(archive.file.path)
        var reader = try ArchiveReader(archive.place, descriptor: file.descriptor, at: archive.start)
        var images: [Image] = []
        while let entry = try reader.nextEntry(), entry.offset < archive.byteCount {
            guard entry.isFile, isVisible(entry.path) else { continue }
            guard hasImageEnding(entry.path) else {
                others += 1
                continue
            }
            guard entry.offset + tarBlock + entry.byteCount <= archive.byteCount else {
                throw DatasetError(
                    action: "read archive", place: "\(archive.place), at byte \(entry.offset): \(entry.path)",
                    reason: "the archive ends after \(archive.byteCount) bytes")
            }
            images.append(
                Image(
                    path: entry.path, archive: index, offset: entry.offset,
                    byteCount: Int32(clamping: entry.byteCount)))
        }
        return images
    }
}
