package import Datasets
internal import SystemPackage

/// A tree with one folder of images for each class, on the disk or in an archive.
///
/// The class folders are the subfolders of the deepest folder that contains all images. Labels
/// follow the byte order of their names, or the given order; records follow the byte order of their
/// paths. A class folder without images keeps its label. Files without an image's file extension
/// are skipped and counted.
package struct ImageFolder: IndexedRecordSource, LabelledRecords {
    package let classNames: [String]
    package let notes: [String]
    package let labels: [Int32]
    private let images: any FileTree
    private let paths: [FilePath]
    private var index = 0

    package var origin: String { images.path }
    package var recordCount: Int { paths.count }
    package var identity: String { "\(pathsHash(paths)) \(images.identity)" }

    /// Lists the images.
    ///
    /// - Parameters:
    ///   - outOfDistribution: Whether the images need no classes; they may then lie in one folder.
    ///   - order: The classes in the order of their labels; those of the tree, sorted, if `nil`.
    /// - Throws: If there are no images, class folders are needed but missing, or one is not in
    ///   `order`.
    package init(
        _ images: any FileTree, outOfDistribution: Bool = false, order: ClassOrder? = nil
    ) throws(DatasetError) {
        var listing = try images.listing()
        let paths = listing.takeImages()
        guard !paths.isEmpty else { throw noImages(images.path, listing.skipped) }
        self.images = images
        self.paths = paths
        guard !outOfDistribution else {
            classNames = []
            labels = [Int32](repeating: -1, count: paths.count)
            notes = listing.skipped.notes
            return
        }
        let classes = try ClassFolders(listing, images: paths, in: images, order: order)
        classNames = classes.names
        labels = paths.map(classes.label)
        notes = listing.skipped.notes + classes.notes
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < paths.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    package func record(_ index: Int) -> Record {
        let path = paths[index]
        return Record(
            path: path, label: labels[index], place: images.place(of: path),
            payload: payload(of: path, in: images))
    }
}

/// The bytes of a file, or the error of reading them.
func payload(of file: FilePath, in images: any FileTree) -> Record.Payload {
    do {
        return .encoded(try images.contents(of: file))
    } catch {
        return images.contains(file) ? .damaged(error) : .missing(error)
    }
}
