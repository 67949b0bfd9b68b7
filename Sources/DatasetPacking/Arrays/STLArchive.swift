package import Datasets
internal import Foundation
internal import SystemPackage

/// The two binary files, images and labels, of one split of STL-10.
///
/// An image is 27,648 bytes: red, green and blue planes of 96×96, each column by column; a label is
/// a byte from 1 to 10. Coates, Lee, Ng: "An analysis of single-layer networks in unsupervised
/// feature learning", AISTATS 2011.
package struct STLArchive: IndexedRecordSource {
    package let origin: String
    package let identity: String
    package let recordCount: Int
    package let classNames = [
        "airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck",
    ]
    private let images: ReadableFile
    private let path: String
    private let labels: [UInt8]
    private let side: Int
    private var index = 0

    /// Opens the images, which are read one by one, and reads the labels.
    ///
    /// - Parameter side: Height and width of an image.
    /// - Throws: If a file is missing or damaged, or the two do not belong together.
    package init(images imagePath: String, labels labelPath: String, side: Int = 96) throws(DatasetError) {
        images = try ReadableFile(imagePath)
        let file = try ReadableFile(labelPath)
        let byteCount = 3 * side * side
        let failure = { (path: String, reason: String) in
            DatasetError(action: "read STL-10 files", place: path, reason: reason)
        }
        guard images.byteCount > 0, images.byteCount.isMultiple(of: byteCount) else {
            throw failure(
                imagePath,
                "it has \(images.byteCount) bytes, expected a multiple of \(byteCount), the bytes of an image"
            )
        }
        recordCount = images.byteCount / byteCount
        guard file.byteCount == recordCount else {
            throw failure(
                imagePath, "it has \(recordCount) images, \(labelPath) has \(file.byteCount) labels")
        }
        labels = try file.read(at: 0, count: file.byteCount)
        if let place = labels.firstIndex(where: { !(1...10).contains($0) }) {
            throw failure(labelPath, "label \(place) is \(labels[place]), expected 1 to 10")
        }
        path = imagePath
        origin = "\(imagePath), \(labelPath)"
        identity = "\(fileIdentity(imagePath)), \(fileIdentity(labelPath))"
        self.side = side
    }

    /// The labels beside a file of images: `train_y.bin` for `train_X.bin`; `nil` if there are none.
    package static func labelsBeside(_ path: String) -> String? {
        guard path.hasSuffix("_X.bin") else { return nil }
        let labels = String(path.dropLast("X.bin".count)) + "y.bin"
        return FileManager.default.fileExists(atPath: labels) ? labels : nil
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < recordCount else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        let count = side * side
        let planes = try images.read(at: index * 3 * count, count: 3 * count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 * count)
        for row in 0..<side {
            for column in 0..<side {
                for plane in 0..<3 { bytes.append(planes[plane * count + column * side + row]) }
            }
        }
        let place = "\(path), image \(index)"
        return Record(
            path: FilePath(place), label: Int32(labels[index]) - 1, place: place,
            payload: .pixels(RGBImage(width: side, height: side, bytes: bytes)))
    }
}

extension DatasetFormat {
    static let stl10 = DatasetFormat(
        "stl10", "STL-10's binary files", options: [.labels],
        rows: [
            Row(
                "STL-10", "`train_X.bin`, `test_X.bin`",
                "labels are found beside the images (`train_y.bin`), or `--labels FILE`")
        ],
        recognize: { content, _ in
            content.isUnknown && STLArchive.labelsBeside(content.path) != nil ? .name : nil
        },
        open: { options in
            guard let labels = options.labels ?? STLArchive.labelsBeside(options.inputs[0]) else {
                throw SourceOptionError("an STL-10 set needs its labels: --labels FILE")
            }
            return try STLArchive(images: options.inputs[0], labels: labels)
        })
}
