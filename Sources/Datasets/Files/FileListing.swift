package import SystemPackage

/// The files and folders of a tree.
package struct FileListing: Sendable {
    /// The files, sorted by their bytes; hidden ones, and those in hidden folders, are left out.
    package var files: [FilePath]
    /// All folders, also those without a file; in any order.
    package var folders: Set<FilePath>
    package var skipped: SkippedEntries

    /// - Parameter folders: The folders without a file; the others follow from `files`.
    package init(files: [FilePath], folders: Set<FilePath> = [], skipped: SkippedEntries = SkippedEntries()) {
        self.files = sortedByBytes(files)
        self.folders = folders
        self.skipped = skipped
        for path in files + Array(folders) {
            var above = path.removingLastComponent()
            while !above.isEmpty, self.folders.insert(above).inserted {
                above = above.removingLastComponent()
            }
        }
    }

    /// The images, by file extension; the other files are added to `skipped`.
    package mutating func takeImages() -> [FilePath] {
        let images = files.filter(hasImageEnding)
        if images.count < files.count {
            for file in files where !hasImageEnding(file) { skipped.add(file, .noImage) }
        }
        return images
    }
}

/// The error for a source without images.
package func noImages(_ place: String, _ skipped: SkippedEntries) -> DatasetError {
    DatasetError(
        action: "read images", place: place,
        reason: (["there is no .jpg, .jpeg, .png or .webp file"] + skipped.notes).joined(separator: "; "))
}
