internal import Files
internal import Foundation
package import SystemPackage

/// Image files as a set without labels, in the given order.
package struct ImageFiles: ImageSource {
    package let paths: [FilePath]
    /// Notes about the folders: the entries that are not records, and why.
    package let notes: [String]

    /// - Parameter paths: Files with any extension, and folders. A folder contributes all images
    ///   below it, ordered by the bytes of their paths; links are followed.
    /// - Throws: If a folder cannot be read or contains no image.
    package init(_ paths: [String]) throws(DatasetError) {
        var files: [FilePath] = []
        var skipped = SkippedEntries()
        for path in paths {
            guard isFolder(path) else {
                files.append(FilePath(path))
                continue
            }
            var listing = try Folder(path).listing()
            let images = listing.takeImages()
            guard !images.isEmpty else { throw noImages(path, listing.skipped) }
            skipped.add(listing.skipped)
            files += images.map { FilePath(path).appending($0.components) }
        }
        self.paths = files
        notes = skipped.notes
    }

    package var count: Int { paths.count }

    package func label(of record: Int) -> Int32 { -1 }

    package func image(of record: Int) throws(DatasetError) -> RGBImage {
        try RGBImage(decoding: try ReadableFile.contents(of: paths[record]), place: paths[record].text)
    }
}
