package import Datasets
internal import SystemPackage

/// The arrays of an .npz archive; a name gives the array's split (train, val, test) and role.
package struct NumPyArchive: Sendable {
    fileprivate enum Role { case images, labels }

    fileprivate struct Name: Hashable {
        /// The split; empty if the name has none.
        var part: String
        var role: Role
    }

    /// The splits that have images, in the order train, val, test; an empty name if arrays are in
    /// no split.
    package let parts: [String]
    private let path: String
    private let entries: [Name: String]

    /// Lists the archive.
    ///
    /// - Throws: If it cannot be read, has no images, or has two arrays for the same split and
    ///   role.
    package init(_ path: String) throws(DatasetError) {
        self.path = path
        var entries: [Name: String] = [:]
        var others: [String] = []
        var reader = try ArchiveReader(path, .zip)
        while let entry = try reader.nextEntry() {
            guard entry.isFile, entry.name.text.hasSuffix(".npy") else { continue }
            guard let name = Name(String(entry.name.text.dropLast(4))) else {
                others.append(entry.name.text)
                continue
            }
            if let other = entries[name] {
                throw DatasetError(
                    action: "read NumPy archive", place: path,
                    reason: "both '\(other)' and '\(entry.name.text)' may be its \(name.role)",
                    remedy: "keep only one of them")
            }
            entries[name] = entry.name.text
        }
        self.entries = entries
        let found = Set(entries.keys.filter { $0.role == .images }.map(\.part))
        parts = ["train", "val", "test", ""].filter(found.contains)
        guard !parts.isEmpty else {
            let names = (Array(entries.values) + others).map { "'\($0)'" }.sorted().prefix(10)
            throw DatasetError(
                action: "read NumPy archive", place: path,
                reason: "there are no images among \(names.joined(separator: ", "))",
                remedy: "name the arrays images and labels, or train_images, train_labels, val_images, …")
        }
    }

    /// The records of some splits, one after the other.
    ///
    /// - Parameters:
    ///   - chosen: Among `parts`.
    ///   - isLabelled: Whether labels are read; if not, every label is −1.
    package func images(of chosen: [String], isLabelled: Bool) throws(DatasetError) -> NumPyImages {
        let roles: [Role] = isLabelled ? [.images, .labels] : [.images]
        let names = chosen.flatMap { part in roles.map { Name(part: part, role: $0) } }
        let arrays = try unpack(names.compactMap { entries[$0] })
        var sets: [NumPyImages.Part] = []
        for part in chosen {
            guard let images = entries[Name(part: part, role: .images)].flatMap({ arrays[$0] }) else {
                throw DatasetError(
                    action: "read NumPy archive", place: path, reason: "it has no images for '\(part)'",
                    remedy: parts == [""]
                        ? "pack it without --split" : "it has \(parts.joined(separator: ", "))")
            }
            let labels = entries[Name(part: part, role: .labels)].flatMap { arrays[$0] }
            guard labels != nil || !isLabelled else {
                throw DatasetError(
                    action: "read NumPy archive", place: path,
                    reason: "\(images.place) has no labels beside it",
                    remedy: "save them as 'labels', or pack the images as out of distribution")
            }
            sets.append(try NumPyImages.Part(images, labels))
        }
        let suffix = chosen == [""] ? "" : ", \(chosen.joined(separator: ", "))"
        return NumPyImages(sets, origin: path + suffix, identity: fileIdentity(path) + suffix)
    }

    private func unpack(_ wanted: [String]) throws(DatasetError) -> [String: StoredArray] {
        let file = try TemporaryFile(for: path)
        var arrays: [String: StoredArray] = [:]
        var end = 0
        var reader = try ArchiveReader(path, .zip)
        while let entry = try reader.nextEntry() {
            guard entry.isFile, wanted.contains(entry.name.text), arrays[entry.name.text] == nil else {
                continue
            }
            arrays[entry.name.text] = try StoredArray(
                entry, of: &reader, into: file, at: &end, place: "\(path): \(entry.name.text)")
        }
        return arrays
    }
}

extension NumPyArchive.Name {
    /// Parses an array's name: `train_images`, `X_test`, `y`, or `arr_0` and `arr_1` for arrays
    /// saved without names.
    fileprivate init?(_ text: String) {
        part = ""
        var rest = ""
        for word in text.lowercased().split(whereSeparator: { "_-. /".contains($0) }) {
            switch word {
            case "train", "training": part = "train"
            case "val", "valid", "validation": part = "val"
            case "test", "testing": part = "test"
            default: rest += word
            }
        }
        switch rest {
        case "images", "image", "imgs", "img", "x", "data", "pixels", "arr0": role = .images
        case "labels", "label", "y", "targets", "target", "arr1": role = .labels
        default: return nil
        }
    }
}
