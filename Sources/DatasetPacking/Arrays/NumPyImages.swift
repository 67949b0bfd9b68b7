package import Datasets
internal import Foundation
internal import SystemPackage

/// Images and labels as NumPy arrays: two .npy files, as in CIFAR-10-C, or an .npz archive, as in
/// MedMNIST.
///
/// Images are uint8 of shape `[n, height, width]`, `[n, height, width, 1]` or
/// `[n, height, width, 3]`, in C order; labels are integers of shape `[n]` or `[n, 1]`. From .npy
/// files only the requested records are read; the arrays of an archive are unpacked once into an
/// unlinked file in the temporary folder (`TMPDIR`).
package struct NumPyImages: IndexedRecordSource {
    struct Part {
        let images: StoredArray
        /// `nil` if there are none; every label is then −1.
        let labels: [Int32]?
        let count: Int
        let height: Int
        let width: Int
        let channels: Int
    }

    package let origin: String
    package let identity: String
    package let recordCount: Int
    package let classCount: Int?
    private let parts: [Part]
    private var index = 0

    /// Opens two .npy files.
    ///
    /// - Parameter labels: `nil` for out-of-distribution images.
    /// - Throws: If a file is missing, damaged, or of another type or shape, or the two do not
    ///   belong together.
    package init(images path: String, labels labelPath: String?) throws(DatasetError) {
        let labels: StoredArray? = if let labelPath { try StoredArray(labelPath) } else { nil }
        let identities = ([path] + (labelPath.map { [$0] } ?? [])).map(fileIdentity)
        self.init(
            [try Part(try StoredArray(path), labels)],
            origin: [path, labelPath].compactMap(\.self).joined(separator: ", "),
            identity: identities.joined(separator: ", "))
    }

    init(_ parts: [Part], origin: String, identity: String) {
        self.parts = parts
        self.origin = origin
        self.identity = identity
        recordCount = parts.reduce(0) { $0 + $1.count }
        let largest = parts.compactMap { $0.labels?.max() }.max()
        classCount = largest.map { max(Int($0), 0) + 1 }
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < recordCount else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        var (part, rest) = (0, index)
        while rest >= parts[part].count {
            rest -= parts[part].count
            part += 1
        }
        return try parts[part].record(rest)
    }

    /// The labels file beside an .npy file of images: its name with 'labels' or 'y' in place of the
    /// word for images, or `labels.npy`, as in CIFAR-10-C; `nil` if there is none.
    package static func labelsBeside(_ path: String) -> String? {
        let name = lastName(of: path)
        let folder = path.dropLast(name.utf8.count)
        var names = [("images", "labels"), ("image", "label"), ("imgs", "labels"), ("data", "labels")].map {
            name.replacing($0, with: $1)
        }
        if name.hasPrefix("X") { names.append("y" + name.dropFirst()) }
        if name.hasPrefix("x") { names.append("y" + name.dropFirst()) }
        names.append("labels.npy")
        return names.filter { $0 != name }.map { folder + $0 }
            .first { FileManager.default.fileExists(atPath: $0) }
    }
}

extension NumPyImages.Part {
    init(_ images: StoredArray, _ labels: StoredArray?) throws(DatasetError) {
        let header = images.header
        guard header.elementType == "u1" else {
            throw images.failure(
                "it is \(header.typeName), expected images of uint8",
                "save x.astype('uint8'), or (x * 255).round().astype('uint8') where values are 0 to 1")
        }
        var shape = header.shape
        if shape.count == 3 { shape.append(1) }
        guard shape.count == 4, shape.allSatisfy({ $0 > 0 }), shape[3] == 1 || shape[3] == 3 else {
            throw images.failure(
                "its shape is \(header.shape), expected [n, height, width] or [n, height, width, 1 or 3]",
                remedy(header.shape))
        }
        guard !header.isColumnMajor else {
            throw images.failure("it is in Fortran order", "save numpy.ascontiguousarray(x)")
        }
        try checkSize(width: shape[2], height: shape[1], images.place)
        self.images = images
        (count, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        self.labels = if let labels { try labels.labels(count: shape[0]) } else { nil }
    }

    func record(_ index: Int) throws(DatasetError) -> Record {
        let count = height * width * channels
        let bytes = try images.bytes(at: index * count, count: count)
        let place = "\(images.place), image \(index)"
        let image =
            channels == 3
            ? RGBImage(width: width, height: height, bytes: bytes)
            : RGBImage(width: width, height: height, grey: bytes)
        return Record(
            path: FilePath(place), label: labels?[index] ?? -1, place: place, payload: .pixels(image))
    }
}

private func remedy(_ shape: [Int]) -> String? {
    guard shape.count == 4 else { return nil }
    if shape[1] == 1 || shape[1] == 3 { return "channels come last: save x.transpose(0, 2, 3, 1)" }
    if shape[3] == 4 { return "leave alpha out: save x[..., :3]" }
    return shape[2] == 3 || shape[2] == 1 ? "images come first: save x.transpose(3, 0, 1, 2)" : nil
}
