/// A tree with one folder of images for each class, on the disk or in an archive.
///
/// The class folders are those in the deepest folder that holds all images; labels follow the order of their
/// names' bytes, and records the order of their paths'. Files without an image's ending are passed over.
public struct ImageFolder: IndexedRecordSource {
    public let classNames: [String]
    public let notes: [String]
    private let images: any FileTree
    private let paths: [String]
    private let labels: [Int32]
    private var index = 0

    public var origin: String { images.path }
    public var recordCount: Int { paths.count }
    public var identity: String { "\(pathsHash(paths)) \(images.identity)" }

    /// Lists the images.
    ///
    /// - Parameter outOfDistribution: Whether the images need no classes; then they may lie in one folder.
    /// - Throws: If there are no images, or no class folders where they are needed.
    public init(_ images: any FileTree, outOfDistribution: Bool = false) throws(DatasetError) {
        let files = try images.files()
        let paths = files.filter(hasImageEnding)
        guard !paths.isEmpty else {
            throw DatasetError(
                action: "read images", place: images.path,
                reason: "there is no .jpg, .jpeg, .png or .webp file")
        }
        self.images = images
        self.paths = paths
        notes = paths.count == files.count ? [] : ["\(files.count - paths.count) files that are no images"]
        guard !outOfDistribution else {
            classNames = []
            labels = [Int32](repeating: -1, count: paths.count)
            return
        }
        let depth = commonFolderDepth(paths)
        let folders = paths.map {
            $0.split(separator: "/").dropLast().dropFirst(depth).first.map(String.init)
        }
        if let loose = folders.firstIndex(of: nil) {
            throw DatasetError(
                action: "find the class", place: images.place(of: paths[loose]),
                reason: "the image lies beside the class folders, not in one",
                remedy: "move it, give an image list, or pack the images as out of distribution")
        }
        let names = folders.compactMap { $0 }
        classNames = sortedByBytes(Array(Set(names)))
        let labelOfName = Dictionary(uniqueKeysWithValues: zip(classNames, Int32(0)...))
        labels = names.map { labelOfName[$0] ?? -1 }
    }

    public mutating func next() throws(DatasetError) -> Record? {
        guard index < paths.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    public func record(_ index: Int) -> Record {
        let path = paths[index]
        return Record(
            path: path, label: labels[index], place: images.place(of: path),
            payload: payload(of: path, in: images))
    }
}

/// The bytes of a file, or why they cannot be read.
func payload(of file: String, in images: any FileTree) -> Record.Payload {
    do {
        return .encoded(try images.contents(of: file))
    } catch {
        return images.contains(file) ? .damaged(error) : .missing(error)
    }
}

/// How many folders all paths begin with.
private func commonFolderDepth(_ paths: [String]) -> Int {
    var common = paths[0].split(separator: "/").dropLast()
    for path in paths {
        let folders = path.split(separator: "/").dropLast()
        common = common.prefix(zip(common, folders).prefix { $0 == $1 }.count)
    }
    return common.count
}
