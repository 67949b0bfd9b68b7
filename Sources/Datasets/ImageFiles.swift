internal import Foundation

/// Image files as a set without labels, in the order given.
public struct ImageFiles: ImageSource {
    public let paths: [String]
    /// Files of the folders that are no images by their endings, and so no records.
    public let passedOverCount: Int

    /// - Parameter paths: Files, whatever their endings, and folders, whose images with all below them follow the order of their
    ///   paths' bytes.
    /// - Throws: If a folder cannot be read, or has no image.
    public init(_ paths: [String]) throws(DatasetError) {
        var files: [String] = []
        var passedOverCount = 0
        for path in paths {
            guard isFolder(path) else {
                files.append(path)
                continue
            }
            let all = try Folder(path).files()
            let images = all.filter(hasImageEnding)
            guard !images.isEmpty else {
                throw DatasetError(
                    action: "read images", place: path, reason: "there is no .jpg, .jpeg, .png or .webp file")
            }
            passedOverCount += all.count - images.count
            let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
            files += images.map { "\(folder)/\($0)" }
        }
        self.paths = files
        self.passedOverCount = passedOverCount
    }

    public var count: Int { paths.count }

    public func label(of record: Int) -> Int32 { -1 }

    public func image(of record: Int) throws(DatasetError) -> RGBImage {
        try RGBImage(decoding: try ReadableFile.contents(of: paths[record]), place: paths[record])
    }
}

private func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}
