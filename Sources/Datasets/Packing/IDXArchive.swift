/// MNIST's two files, images and labels, compressed or not.
///
/// An IDX file is a big-endian header (0, 0, 8 for bytes, the number of axes, each axis as 32 bits) and the bytes. LeCun,
/// Cortes, Burges: "The MNIST database of handwritten digits". Grey becomes three equal channels.
public struct IDXArchive: RecordSource {
    public let origin: String
    public let classNames: [String]
    private let path: String
    private let images: ArraySlice<UInt8>
    private let labels: ArraySlice<UInt8>
    private let height: Int
    private let width: Int
    private var index = 0

    public var count: Int { labels.count }

    /// Reads both files.
    ///
    /// - Parameter classNames: If given, labels are checked against their number; MNIST's digits by default.
    /// - Throws: If a file is missing, damaged, of another kind, or they do not belong together.
    public init(
        images imagePath: String, labels labelPath: String, classNames: [String] = (0..<10).map { "\($0)" }
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
        self.classNames = classNames
        self.images = images.bytes
        self.labels = labels.bytes
        (height, width) = (images.shape[1], images.shape[2])
    }

    public mutating func next() throws(DatasetError) -> Record? {
        guard index < count else { return nil }
        defer { index += 1 }
        let start = images.startIndex + index * height * width
        let place = "\(path), image \(index)"
        let image = RGBImage(width: width, height: height, grey: images[start..<start + height * width])
        return Record(
            path: place, label: Int32(labels[labels.startIndex + index]), place: place,
            payload: .pixels(image))
    }
}

/// Reads an IDX file of bytes with the given number of axes.
private func readIDX(_ path: String, axes: Int) throws(DatasetError) -> (
    shape: [Int], bytes: ArraySlice<UInt8>
) {
    let failure = { (reason: String) in DatasetError(action: "read IDX file", place: path, reason: reason) }
    var reader = try ArchiveReader(path, .raw)
    _ = try reader.nextEntry()
    var content: [UInt8] = []
    while true {
        let piece = try reader.read(atMost: 4 << 20)
        if piece.isEmpty { break }
        content.append(contentsOf: piece)
    }
    let headerCount = 4 + 4 * axes
    guard content.starts(with: [0, 0, 8, UInt8(axes)]), content.count >= headerCount else {
        let start = content.prefix(4).map { "\($0)" }.joined(separator: " ")
        throw failure("it starts with the bytes \(start), expected 0 0 8 \(axes)")
    }
    let shape = (0..<axes).map { axis in
        content[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
    let (count, overflows) = shape.reduce((1, false)) { product, length in
        let next = product.0.multipliedReportingOverflow(by: length)
        return (next.partialValue, product.1 || next.overflow)
    }
    guard !overflows, content.count - headerCount == count, count > 0 else {
        throw failure("its shape is \(shape), but it holds \(content.count - headerCount) bytes")
    }
    return (shape, content[headerCount...])
}
