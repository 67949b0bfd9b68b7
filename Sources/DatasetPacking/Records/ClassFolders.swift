internal import Datasets
internal import SystemPackage

/// The class folders of a tree of images, in the order of their labels.
///
/// They are the subfolders of the deepest folder that contains all images; a subfolder without
/// images is a class, too.
struct ClassFolders {
    /// The folder that contains the class folders; empty for the root of the tree.
    let parent: FilePath
    /// The names of the classes, as printable text.
    let names: [String]
    /// Notes for the user: classes without images, and folders beside the class folders.
    let notes: [String]
    private let labels: [FilePath.Component: Int32]

    /// - Parameters:
    ///   - images: At least one.
    ///   - order: The class names in label order; the folders' names sorted by their bytes if
    ///     `nil`.
    /// - Throws: If images lie beside the class folders, the folders are splits of a dataset, or
    ///   one of them is not in `order`.
    init(
        _ listing: FileListing, images: [FilePath], in tree: any FileTree, order: ClassOrder?
    ) throws(DatasetError) {
        let parent = Self.parent(of: images, listing.folders)
        self.parent = parent
        let depth = parent.components.count
        if let loose = images.first(where: { $0.components.count == depth + 1 }) {
            throw DatasetError(
                action: "find the class", place: tree.place(of: loose),
                reason: "the image lies beside the class folders, not in one",
                remedy: "move it, give an image list, or pack the images as out of distribution")
        }
        let folders = sortedByBytes(
            listing.folders.filter { $0.components.count == depth + 1 && $0.starts(with: parent) })
        try checkParts(folders, listing, tree)
        let found = folders.compactMap(\.lastComponent)
        let words = folders.map { lastName(of: $0) }
        let labelOfName = try order?.labels(of: words, in: tree.path)
        names = order.map { $0.names(for: words) } ?? words
        labels = Dictionary(
            zip(found, words.enumerated().map { labelOfName?[$1.bytesKey] ?? Int32($0) }),
            uniquingKeysWith: { first, _ in first })
        notes = Self.notes(names: names, words, images, folders, listing, depth)
    }

    /// The label of an image in one of the folders.
    func label(of image: FilePath) -> Int32 {
        image.components.dropFirst(parent.components.count).first.flatMap { labels[$0] } ?? -1
    }

    /// The deepest folder that contains all images; its parent if that folder itself is a class: if
    /// images lie directly in it, and there are folders beside it, which are empty classes.
    private static func parent(of images: [FilePath], _ folders: Set<FilePath>) -> FilePath {
        var common = images[0].removingLastComponent()
        for image in images { while !image.starts(with: common) { common.removeLastComponent() } }
        let above = common.removingLastComponent()
        let isFull = images.contains { $0.components.count == common.components.count + 1 }
        let hasNeighbour = folders.contains { $0 != common && $0.removingLastComponent() == above }
        return !common.isEmpty && isFull && hasNeighbour ? above : common
    }

    private static func notes(
        names: [String], _ words: [String], _ images: [FilePath], _ folders: [FilePath],
        _ listing: FileListing, _ depth: Int
    ) -> [String] {
        let used = Set(images.map { FilePath(root: nil, $0.components.prefix(depth + 1)) })
        let filled = folders.indices.filter { used.contains(folders[$0]) }.map { words[$0] }
        let beside = sortedByBytes(
            listing.folders.filter { folder in
                folder.components.count <= depth && !images[0].starts(with: folder)
                    && images[0].starts(with: folder.removingLastComponent())
            })
        var notes = emptyClasses(names, filled)
        if !beside.isEmpty {
            notes.append("folders beside the class folders, without images: \(shortened(beside.map(\.text)))")
        }
        return notes
    }
}

/// Throws if the supposed class folders are splits of a dataset, with the class folders inside
/// them.
private func checkParts(
    _ folders: [FilePath], _ listing: FileListing, _ tree: any FileTree
) throws(DatasetError) {
    let parts: Set = ["train", "training", "val", "valid", "validation", "test", "testing"]
    guard folders.count > 1, folders.allSatisfy({ parts.contains(lastName(of: $0).lowercased()) }),
        folders.allSatisfy({ part in listing.folders.contains { $0 != part && $0.starts(with: part) } })
    else { return }
    throw DatasetError(
        action: "find the classes", place: tree.path,
        reason:
            "its folders are splits of a dataset, not classes: \(folders.map(\.text).joined(separator: ", "))",
        remedy: "pack each of them separately")
}

/// A note that names the classes without images; empty if there are none.
func emptyClasses(_ names: [String], _ used: some Sequence<String>) -> [String] {
    let filled = Set(used.lazy.map(\.bytesKey))
    let empty = names.filter { !filled.contains($0.bytesKey) }
    return empty.isEmpty
        ? [] : ["classes without an image: \(empty.count) of \(names.count) (\(shortened(empty)))"]
}

/// The first five names, and how many more there are.
func shortened(_ names: [String]) -> String {
    names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
}

extension String {
    /// A key that is equal only for equal bytes: strings also compare equal if they encode an
    /// accent in different ways.
    var bytesKey: [UInt8] { Array(utf8) }
}
