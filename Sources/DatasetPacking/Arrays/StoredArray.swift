internal import Datasets

/// A NumPy array in a file, whose elements are read on demand.
struct StoredArray: Sendable {
    private enum Storage {
        case file(PooledFile)
        case unpacked(TemporaryFile, start: Int)
    }

    let header: NumPyHeader
    /// The file, or the archive and the array's name in it.
    let place: String
    private let storage: Storage

    /// Opens an .npy file.
    ///
    /// - Throws: If it is not an .npy file, or its size differs from that in its header.
    init(_ path: String) throws(DatasetError) {
        let file = try PooledFile(path)
        let head = try file.read(at: 0, count: min(file.byteCount, NumPyHeader.largestByteCount))
        header = try NumPyHeader(head, place: path)
        place = path
        storage = .file(file)
        try checkSize(file.byteCount)
    }

    /// Unpacks the current entry of an .npz archive.
    ///
    /// - Parameter end: The end of the used part of `file`; moved past the array.
    init(
        _ entry: ArchiveReader.Entry, of reader: inout ArchiveReader, into file: TemporaryFile,
        at end: inout Int,
        place: String
    ) throws(DatasetError) {
        let head = try reader.read(atMost: min(entry.byteCount, NumPyHeader.largestByteCount))
        header = try NumPyHeader(head, place: place)
        self.place = place
        storage = .unpacked(file, start: end)
        // The sizes in the archive and the header must agree before anything is unpacked.
        try checkSize(entry.byteCount)
        try file.write(head, at: end)
        let count = try file.write(
            entryOf: &reader, atMost: entry.byteCount - head.count, at: end + head.count)
        try checkSize(head.count + count)
        end += entry.byteCount
    }

    private func checkSize(_ byteCount: Int) throws(DatasetError) {
        let expected = header.byteCount + header.contentByteCount
        guard byteCount == expected else {
            throw DatasetError(
                action: "read NumPy file", place: place,
                reason:
                    "its shape is \(header.shape) of \(header.typeName), which takes \(expected) bytes with the "
                    + "header, but it has \(byteCount)")
        }
    }

    /// The bytes of `count` elements, from index `element` on.
    func bytes(at element: Int, count: Int) throws(DatasetError) -> [UInt8] {
        let size = header.elementByteCount
        let start = header.byteCount + element * size
        switch storage {
        case .file(let file): return try file.read(at: start, count: count * size)
        case .unpacked(let file, let base):
            return try file.read(at: base + start, count: count * size, place: place)
        }
    }

    /// The labels in an array with one integer per record.
    ///
    /// - Throws: If the elements are not integers or booleans, the shape is not `[count]` or
    ///   `[count, 1]`, or a label does not fit in 32 bits.
    func labels(count: Int) throws(DatasetError) -> [Int32] {
        guard let kind = header.elementType.first, kind == "u" || kind == "i" || kind == "b" else {
            throw failure(
                "it is \(header.typeName), expected labels of an integer type", "save x.astype('int64')")
        }
        guard header.shape == [count] || header.shape == [count, 1] else {
            throw failure("its shape is \(header.shape), expected \(count) labels, one for each image")
        }
        let size = header.elementByteCount
        let bytes = try bytes(at: 0, count: count)
        var labels: [Int32] = []
        labels.reserveCapacity(count)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let element = bytes[start..<start + size]
            let value = wholeNumber(
                header.isBigEndian ? Array(element) : element.reversed(), isSigned: kind == "i")
            guard let label = value.flatMap({ Int32(exactly: $0) }) else {
                throw failure("label \(labels.count) does not fit in 32 bits")
            }
            labels.append(label)
        }
        return labels
    }

    func failure(_ reason: String, _ remedy: String? = nil) -> DatasetError {
        DatasetError(action: "read NumPy file", place: place, reason: reason, remedy: remedy)
    }
}

/// A big-endian integer of up to eight bytes; `nil` if it does not fit in 64 signed bits.
private func wholeNumber(_ bytes: [UInt8], isSigned: Bool) -> Int? {
    guard bytes.count <= 8 else { return nil }
    let magnitude = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard isSigned else { return Int(exactly: magnitude) }
    let shift = UInt64(64 - 8 * bytes.count)
    return Int(Int64(bitPattern: magnitude << shift) >> Int64(shift))
}
