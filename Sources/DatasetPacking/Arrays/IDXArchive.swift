package import Datasets
internal import Foundation
internal import SystemPackage

/// The two files, images and labels, of MNIST and of sets in its format (Fashion-MNIST, EMNIST),
/// compressed or not.
///
/// EMNIST's images are stored transposed; `transposed` sets them upright. An IDX file is a
/// big-endian header (0, 0, 8 for bytes, the number of axes, the length of each axis in 32 bits)
/// followed by the bytes. LeCun, Cortes, Burges: "The MNIST database of handwritten digits". Grey
/// becomes three equal channels.
package struct IDXArchive: IndexedRecordSource {
    package let origin: String
    package let classNames: [String]
    private let path: String
    private let images: ArraySlice<UInt8>
    private let labels: ArraySlice<UInt8>
    private let height: Int
    private let width: Int
    private let isTransposed: Bool
    private var index = 0

    package var recordCount: Int { labels.count }
    package let identity: String
    package let classCount: Int?

    /// Reads both files.
    ///
    /// - Parameters:
    ///   - classNames: If given, labels are checked against their number. If `nil`, the classes are
    ///     the ten digits; if there are larger labels, the classes have no names.
    ///   - transposed: Whether rows and columns are swapped, as EMNIST needs.
    /// - Throws: If a file is missing, damaged, or of another kind, or the two do not belong
    ///   together.
    package init(
        images imagePath: String, labels labelPath: String, classNames: [String]? = nil,
        transposed: Bool = false
    ) throws(DatasetError) {
        let images = try readIDX(imagePath, axes: 3)
        let labels = try readIDX(labelPath, axes: 1)
        guard images.shape[0] == labels.shape[0] else {
            throw DatasetError(
                action: "read IDX files", place: imagePath,
                reason: "it has \(images.shape[0]) images, \(labelPath) has \(labels.shape[0]) labels")
        }
        origin = "\(imagePath), \(labelPath)"
        path = imagePath
        identity = "\(fileIdentity(imagePath)), \(fileIdentity(labelPath))"
        let largest = Int(labels.bytes.max() ?? 0)
        self.classNames = classNames ?? (largest < 10 ? (0..<10).map { "\($0)" } : [])
        classCount = self.classNames.isEmpty ? largest + 1 : self.classNames.count
        isTransposed = transposed
        self.images = images.bytes
        self.labels = labels.bytes
        (height, width) = (images.shape[1], images.shape[2])
    }

    /// The labels file beside an idx file of images, compressed or not: `train-labels-idx1-ubyte`
    /// for `train-images-idx3-ubyte`, also with a dot as in Kaggle's copies; `nil` if there is
    /// none.
    package static func labelsBeside(_ path: String) -> String? {
        let name = lastName(of: path)
        let plain = name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
        let labels = plain.replacing("images", with: "labels").replacing("idx3", with: "idx1")
        guard labels != plain else { return nil }
        let folder = path.dropLast(name.utf8.count)
        let endings = name == plain ? ["", ".gz"] : [".gz", ""]
        return endings.map { folder + labels + $0 }.first { FileManager.default.fileExists(atPath: $0) }
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < labels.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    package func record(_ index: Int) -> Record {
        let start = images.startIndex + index * height * width
        let pixels = images[start..<start + height * width]
        let place = "\(path), image \(index)"
        let image =
            isTransposed
            ? RGBImage(width: height, height: width, grey: transposed(pixels, width: width))
            : RGBImage(width: width, height: height, grey: pixels)
        return Record(
            path: FilePath(place), label: Int32(labels[labels.startIndex + index]), place: place,
            payload: .pixels(image))
    }
}

/// The transposed image.
private func transposed(_ pixels: ArraySlice<UInt8>, width: Int) -> [UInt8] {
    (0..<width).flatMap { column in
        stride(from: pixels.startIndex + column, to: pixels.endIndex, by: width).map { pixels[$0] }
    }
}

/// Reads an IDX file of bytes with the given number of axes.
private func readIDX(_ path: String, axes: Int) throws(DatasetError) -> (
    shape: [Int], bytes: ArraySlice<UInt8>
) {
    let failure = { (reason: String) in DatasetError(action: "read IDX file", place: path, reason: reason) }
    var reader = try ArchiveReader(path, .raw)
    _ = try reader.nextEntry()
    let headerCount = 4 + 4 * axes
    let header = try reader.read(atMost: headerCount)
    guard header.count == headerCount || !header.starts(with: [0, 0, 8, UInt8(axes)]) else {
        throw failure("it ends after \(header.count) of the \(headerCount) bytes of its header")
    }
    guard header.starts(with: [0, 0, 8, UInt8(axes)]) else {
        let start = header.prefix(4).map { "\($0)" }.joined(separator: " ")
        throw failure("it starts with the bytes \(start), expected 0 0 8 \(axes)")
    }
    let shape = (0..<axes).map { axis in
        header[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
    let (count, overflows) = shape.reduce((1, false)) { product, length in
        let next = product.0.multipliedReportingOverflow(by: length)
        return (next.partialValue, product.1 || next.overflow)
    }
    guard !overflows else {
        throw failure("its shape is \(shape), which takes more bytes than a file can have")
    }
    guard count > 0 else { throw failure("its shape is \(shape), expected lengths of at least 1") }
    // At most the announced bytes and one more are read, and no more than a compressed file of
    // images can hold, so that a small file cannot use up the memory.
    let bound = max(1 << 28, 200 * (try ReadableFile(path).byteCount))
    var content: [UInt8] = []
    while content.count <= count {
        let piece = try reader.read(atMost: min(4 << 20, count - content.count) + 1)
        if piece.isEmpty { break }
        content.append(contentsOf: piece)
        guard content.count <= bound else {
            throw failure(
                "it unpacks to more than \(bound) bytes, too many for the size of the compressed file")
        }
    }
    guard content.count == count else {
        let held = content.count > count ? "more" : "\(content.count)"
        throw failure("its shape is \(shape), but it holds \(held) bytes")
    }
    return (shape, content[...])
}

extension DatasetFormat {
    static let idx = DatasetFormat(
        "idx", "idx files: MNIST, Fashion-MNIST and EMNIST, gzipped or not",
        options: [.labels, .transpose],
        rows: [
            Row(
                "MNIST, Fashion-MNIST", "`…-images-idx3-ubyte[.gz]`, also `…-images.idx3-ubyte`",
                "labels are found beside the images, compressed or not, or `--labels FILE`"),
            Row(
                "EMNIST", "the same, with `--transpose`",
                "its files store each image transposed (rows are columns); the option transposes it back, to MNIST's orientation"
            ),
        ],
        recognize: { content, _ in
            if content.kind == .idx || content.unpackedKind == .idx { return .content }
            return content.isUnknown && lastName(of: content.path).lowercased().contains("idx") ? .word : nil
        },
        open: { options in
            guard let labels = options.labels ?? IDXArchive.labelsBeside(options.inputs[0]) else {
                throw SourceOptionError("an idx set needs its labels: --labels FILE")
            }
            return try IDXArchive(
                images: options.inputs[0], labels: labels, transposed: options.isTransposed)
        })
}
