package import Datasets
internal import Files
internal import Foundation
internal import SystemPackage

/// One tar of images for each class, in an uncompressed tar (`ILSVRC2012_img_train.tar`) or in a
/// folder; images are read in any order, without unpacking.
///
/// Classes and labels are as in `NestedTarArchive`. The initialiser reads all headers: 1.3 million
/// small reads for 1.3 million images. The images follow the order of the outer archive, or of the
/// archives' names in a folder.
package struct NestedTarIndex: IndexedRecordSource {
    private struct Image {
        var path: FilePath
        var archive: Int32
        /// The header's offset in the inner archive.
        var offset: Int
        var byteCount: Int32
    }

    package let origin: String
    package let identity: String
    package let classNames: [String]
    package let notes: [String]
    private let archives: [ClassArchive]
    private let labels: [Int32]
    private let images: [Image]
    private var index = 0

    package var recordCount: Int { images.count }

    /// Whether a folder contains class archives and no images.
    package static func isFolderOfArchives(_ path: String) -> Bool {
        guard let names = try? FolderWalk(path, entersFolders: false).listing.files else {
            return false
        }
        return names.contains { classNameOfArchive($0) != nil } && !names.contains(where: hasImageEnding)
    }

    /// Reads all headers.
    ///
    /// - Parameter order: The classes in the order of their labels; those of the archives, sorted,
    ///   if `nil`.
    /// - Returns: `nil` if the outer archive or an archive in it is compressed, so that it must be
    ///   read from front to back.
    /// - Throws: If there are no archives, one cannot be read or is cut off, or its class has no
    ///   label.
    package init?(_ path: String, order: ClassOrder? = nil) throws(DatasetError) {
        var skipped = SkippedEntries()
        let isFolder = isFolder(path)
        let all = isFolder ? try archivesInFolder(path) : try archivesInTar(path, &skipped)
        guard let archives = all else { return nil }
        for archive in archives where try !archive.isPlain() {
            guard isFolder else { return nil }
            throw DatasetError(
                action: "read archive", place: archive.place, reason: "it is not an uncompressed tar",
                remedy: "uncompress the archives of the folder")
        }
        let found = archives.map(\.name)
        classNames = order?.names(for: found) ?? sortedByBytes(found)
        labels = try labelsOf(archives, classNames)
        var images: [Image] = []
        for index in archives.indices {
            images += try Self.images(of: archives[index], Int32(index), &skipped)
        }
        notes = skipped.notes + emptyClasses(classNames, images.map { archives[Int($0.archive)].name })
        origin = path
        identity = isFolder ? pathsHash(images.map(\.path)) : fileIdentity(path)
        self.archives = archives
        self.images = images
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < images.count else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        let image = images[index]
        let archive = archives[Int(image.archive)]
        let place = "\(archive.place), at byte \(image.offset): \(image.path.text)"
        let (header, byteCount) = (archive.start + image.offset, Int(image.byteCount))
        var record = Record(
            path: FilePath(archive.name).appending(image.path.components), label: labels[Int(image.archive)],
            place: place,
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

    /// The images of one class's archive, found by its headers.
    private static func images(
        of archive: ClassArchive, _ index: Int32, _ skipped: inout SkippedEntries
    ) throws(DatasetError) -> [Image] {
        let file = try ReadableFile(archive.file.location)
        let piece = FilePiece(
            file.descriptor, archive.start..<archive.start + archive.byteCount, place: archive.place)
        var reader = try ArchiveReader(archive.place, piece: piece)
        var images: [Image] = []
        while let entry = try reader.nextEntry() {
            guard skipped.take(entry) else { continue }
            guard hasImageEnding(entry.name) else {
                skipped.add(entry.name, .noImage)
                continue
            }
            guard entry.byteCount <= archive.byteCount - entry.offset - tarBlock else {
                throw DatasetError(
                    action: "read archive",
                    place: "\(archive.place), at byte \(entry.offset): \(entry.name.text)",
                    reason: "the archive ends after \(archive.byteCount) bytes")
            }
            images.append(
                Image(
                    path: entry.name, archive: index, offset: entry.offset,
                    byteCount: Int32(clamping: entry.byteCount)))
        }
        withExtendedLifetime(file) {}
        return images
    }
}
