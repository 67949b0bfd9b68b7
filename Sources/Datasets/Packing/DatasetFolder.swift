internal import Files
internal import Foundation

/// A dataset's folder in the making: written under another name, renamed when it is whole.
struct DatasetFolder {
    /// The folder to write into.
    let temporary: String
    private let destination: String
    private let replaced: String

    /// Creates the temporary folder.
    ///
    /// - Throws: If a dataset is already there and is not to be replaced, or something that is no dataset is.
    init(_ path: String, overwrite: Bool) throws(DatasetError) {
        destination = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        temporary = "\(destination).partial-\(getpid())"
        replaced = "\(destination).replaced-\(getpid())"
        if FileManager.default.fileExists(atPath: destination) {
            let isDataset = FileManager.default.fileExists(atPath: "\(destination)/\(Manifest.fileName)")
            let content = try? FileManager.default.contentsOfDirectory(atPath: destination)
            guard isDataset || content == [] else {
                throw DatasetError(
                    action: "create dataset", place: destination,
                    reason: "something that is no dataset is there",
                    remedy: "give another folder")
            }
            guard !isDataset || overwrite else {
                throw DatasetError(
                    action: "create dataset", place: destination, reason: "there is a dataset already",
                    remedy: "give another folder, or --overwrite")
            }
        }
        try DatasetError.wrapping("create folder", temporary) { [temporary] in
            try? FileManager.default.removeItem(atPath: temporary)
            try createFolder(temporary)
        }
    }

    /// Puts the folder in its place.
    func commit() throws(DatasetError) {
        try DatasetError.wrapping("create dataset", destination) {
            try synchronize(temporary)
            let isReplacing = FileManager.default.fileExists(atPath: destination)
            if isReplacing { try FileManager.default.moveItem(atPath: destination, toPath: replaced) }
            do {
                try FileManager.default.moveItem(atPath: temporary, toPath: destination)
            } catch {
                if isReplacing { try? FileManager.default.moveItem(atPath: replaced, toPath: destination) }
                throw error
            }
            try synchronize(URL(filePath: destination).deletingLastPathComponent().path)
            if isReplacing { try? FileManager.default.removeItem(atPath: replaced) }
        }
    }

    /// Removes what was written.
    func discard() { try? FileManager.default.removeItem(atPath: temporary) }
}
