internal import Files
internal import Foundation
public import SystemPackage

/// Image files as a set without labels, in the order given.
public struct ImageFiles: ImageSource {
    public let paths: [FilePath]
    /// What to know of the folders: the entries that are no records, and why.
    public let notes: [String]

    /// - Parameter paths: Files, whatever their endings, and folders, whose images with all below them follow the order of their
    ///   paths' bytes; links are followed.
    /// - Throws: If a folder cannot be read, or has no image.
    public init(_ paths: [String]) throws(DatasetError) {
        var files: [FilePath] = []
        var passedOver = PassedOver()
        for path in paths {
            guard isFolder(path) else {
                files.append(FilePath(path))
                continue
            }
            var listing = try Folder(path).listing()
            let images = listing.takeImages()
            guard !images.isEmpty else { throw noImages(path, listing.passedOver) }
            passedOver.add(listing.passedOver)
            files += images.map { FilePath(path).appending($0.components) }
        }
        self.paths = files
        notes = passedOver.notes
    }

    public var count: Int { paths.count }

    public func label(of record: Int) -> Int32 { -1 }

    public func image(of record: Int) throws(DatasetError) -> RGBImage {
        try RGBImage(decoding: try ReadableFile.contents(of: paths[record]), place: paths[record].text)
    }
}
