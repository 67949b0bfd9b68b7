internal import Datasets
internal import Pickle
internal import SystemPackage

/// The records of one file of CIFAR-10 or CIFAR-100, binary or pickled. The first byte tells which:
/// in the binary version it is a label below 20.
struct CIFARBatch: Sendable {
    private enum Storage {
        case file(ReadableFile)
        case binary([UInt8])
        case pickled(Pickled)
    }

    fileprivate struct Pickled {
        var labels: [Int]
        /// The images' file names; empty if there are none.
        var names: [String]
        /// Shape `[count, 3, 32, 32]`.
        var pixels: ArraySlice<UInt8>
    }

    /// The file, and the archive it is in.
    let place: String
    let count: Int
    /// The bytes after the last complete record.
    let leftoverByteCount: Int
    private let variant: CIFARArchive.Variant
    private let storage: Storage

    /// Opens a file; a binary one is read record by record.
    init(_ path: String, _ variant: CIFARArchive.Variant) throws(DatasetError) {
        let file = try ReadableFile(path)
        if file.byteCount > 0, isPickle(try file.read(at: 0, count: 1)) {
            try self.init(try file.read(at: 0, count: file.byteCount), place: path, variant)
        } else {
            try self.init(records: .file(file), byteCount: file.byteCount, path, variant)
        }
    }

    /// Reads a file's bytes.
    init(_ bytes: [UInt8], place: String, _ variant: CIFARArchive.Variant) throws(DatasetError) {
        guard isPickle(bytes) else {
            try self.init(records: .binary(bytes), byteCount: bytes.count, place, variant)
            return
        }
        let pickled = try Pickled(bytes, place: place, variant)
        self.init(
            place: place, count: pickled.labels.count, leftoverByteCount: 0, variant: variant,
            storage: .pickled(pickled))
    }

    private init(
        place: String, count: Int, leftoverByteCount: Int, variant: CIFARArchive.Variant, storage: Storage
    ) {
        self.place = place
        self.count = count
        self.leftoverByteCount = leftoverByteCount
        self.variant = variant
        self.storage = storage
    }

    private init(
        records storage: Storage, byteCount: Int, _ place: String, _ variant: CIFARArchive.Variant
    ) throws(DatasetError) {
        let size = variant.recordByteCount
        guard byteCount >= size else {
            throw DatasetError(
                action: "read \(variant.rawValue) records", place: place,
                reason: "it has \(byteCount) bytes, expected records of \(size)")
        }
        self.init(
            place: place, count: byteCount / size, leftoverByteCount: byteCount % size, variant: variant,
            storage: storage)
    }

    /// - Precondition: `index` is below `count`.
    func record(_ index: Int) throws(DatasetError) -> Record {
        let size = variant.recordByteCount
        switch storage {
        case .file(let file): return record(index, binary: try file.read(at: index * size, count: size)[...])
        case .binary(let bytes): return record(index, binary: bytes[index * size..<(index + 1) * size])
        case .pickled(let batch):
            let start = batch.pixels.startIndex + index * 3 * pixelCount
            let place = "\(place), record \(index)"
            return Record(
                path: FilePath(batch.names.isEmpty ? place : batch.names[index]),
                label: Int32(clamping: batch.labels[index]),
                place: place, payload: .pixels(interleaved(batch.pixels[start..<start + 3 * pixelCount])))
        }
    }

    private func record(_ index: Int, binary bytes: ArraySlice<UInt8>) -> Record {
        let pixels = bytes.dropFirst(variant.labelByteCount)
        let place = "\(place), record \(index)"
        return Record(
            path: FilePath(place), label: Int32(bytes[pixels.startIndex - 1]), place: place,
            payload: .pixels(interleaved(pixels)))
    }
}

extension CIFARBatch.Pickled {
    init(_ bytes: [UInt8], place: String, _ variant: CIFARArchive.Variant) throws(DatasetError) {
        let failure = { (reason: String) in
            DatasetError(action: "read \(variant.rawValue) batch", place: place, reason: reason)
        }
        let batch: PickleValue
        do {
            batch = try PickleReader(constructors: NumPyArray.constructors).read(whole: bytes)
        } catch {
            let kind = FileKind(Array(bytes.prefix(FileKind.headByteCount)))
            throw failure(
                [.pickle, .text, .unknown].contains(kind)
                    ? error.description : "it is \(kind), expected the set's binary version or a pickle")
        }
        guard let pixels = batch["data"].flatMap(NumPyArray.init) else {
            throw failure("it has no array under 'data'")
        }
        guard pixels.elementType == "u1", pixels.shape.count == 2, pixels.shape[1] == 3 * pixelCount,
            pixels.shape[0] > 0
        else {
            throw failure(
                "'data' is \(pixels.elementType) of shape \(pixels.shape), expected u1 of [n, \(3 * pixelCount)]"
            )
        }
        guard !pixels.isColumnMajor || pixels.shape[0] == 1 else {
            throw failure("'data' is in Fortran order; save numpy.ascontiguousarray(data)")
        }
        let key = variant.labelKey
        guard let labels = batch[key]?.integers, labels.count == pixels.shape[0] else {
            throw failure("'\(key)' does not hold \(pixels.shape[0]) integers")
        }
        let names = batch["filenames"]?.elements?.compactMap(\.string) ?? []
        self.init(labels: labels, names: names.count == labels.count ? names : [], pixels: pixels.bytes)
    }
}

/// Whether a file is not binary: its first byte is neither a CIFAR-10 label nor a coarse CIFAR-100
/// label.
private func isPickle(_ bytes: [UInt8]) -> Bool { bytes.first.map { $0 >= 20 } ?? false }

private let side = 32
private let pixelCount = side * side

/// Converts three planes to interleaved pixels of three channels.
private func interleaved(_ planes: ArraySlice<UInt8>) -> RGBImage {
    var bytes = [UInt8](repeating: 0, count: 3 * pixelCount)
    for channel in 0..<3 {
        let plane = planes.startIndex + channel * pixelCount
        for pixel in 0..<pixelCount { bytes[3 * pixel + channel] = planes[plane + pixel] }
    }
    return RGBImage(width: side, height: side, bytes: bytes)
}
