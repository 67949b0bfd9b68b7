internal import Checksums
internal import HDF5
package import SystemPackage

/// Reads the records of one shard from any thread. After `init`, reads are plain file reads without
/// HDF5, and `DescriptorPool` may close the file between them.
///
/// Each record is compared with its checksum whenever it is read; labels and offsets are checked
/// once, when the shard is opened. Shards of earlier versions without checksums are read unchecked.
package final class ShardReader: Sendable {
    /// Positions of the images' bytes in the file.
    fileprivate enum Images {
        case pixels(start: Int, height: Int, width: Int, end: Int)
        case encoded(start: Int, offsets: [UInt64], pathStart: Int, pathByteCount: Int)
    }

    package let labels: [Int32]
    /// The CRC-32C of each record's image bytes; `nil` in a shard of an earlier version.
    private let checksums: [UInt32]?
    private let file: PooledFile
    private let images: Images

    /// Opens a shard.
    ///
    /// - Parameter isChecked: Whether the manifest says that records have checksums.
    /// - Throws: If the file is missing, its size differs from the manifest's, its labels or
    ///   offsets are damaged, or its contents do not match the manifest.
    package init(
        folder: String, shard: Manifest.Shard, layout: Manifest.Layout, isChecked: Bool
    ) throws(DatasetError) {
        let path = "\(folder)/\(shard.file)"
        let file = try PooledFile(path)
        guard file.byteCount == shard.byteCount else {
            throw DatasetError(
                action: "open shard", place: path,
                reason: "it has \(file.byteCount) bytes, the manifest says \(shard.byteCount)",
                remedy: remedy)
        }
        let (labels, checksums, images) = try DatasetError.wrapping("open shard", path) {
            // This file is closed at the end of the closure; the pooled file would stay open.
            let opened = try ReadableFile(path)
            let hdf5 = try HDF5Metadata(path: path, byteCount: opened.byteCount) {
                try opened.read(at: $0, count: $1)
            }
            let labels: [Int32] = try hdf5.read("labels", count: shard.count, from: opened)
            let images = try Images(hdf5, count: shard.count, layout: layout, opened)
            guard isChecked || !hdf5.contains("checksums") else {
                throw DatasetError(
                    action: "open shard", place: path,
                    reason: "it holds record checksums, but the manifest declares none",
                    remedy: remedy)
            }
            guard images.end <= file.byteCount else {
                throw DatasetError(
                    action: "open shard", place: path,
                    reason: "its images end at byte \(images.end), the file at \(file.byteCount)",
                    remedy: remedy)
            }
            let checksums: [UInt32]? =
                isChecked ? try hdf5.read("checksums", count: shard.count, from: opened) : nil
            if let checksums {
                let found = tableChecksum(labels: labels, checksums: checksums, offsets: images.offsets)
                guard try hdf5.attribute("tables", as: UInt32.self) == found else {
                    throw DatasetError(
                        action: "open shard", place: path,
                        reason: "its labels, offsets or checksums do not match their checksum",
                        remedy: remedy)
                }
            }
            return (labels, checksums, images)
        }
        self.file = file
        self.labels = labels
        self.checksums = checksums
        self.images = images
    }

    /// Reads and decodes an image.
    ///
    /// - Throws: If the image cannot be read, its bytes do not match their checksum, or they are
    ///   not a valid image.
    package func image(of index: Int) throws(DatasetError) -> RGBImage {
        let bytes = try bytes(of: index)
        switch images {
        case .pixels(_, let height, let width, _): return RGBImage(width: width, height: height, bytes: bytes)
        case .encoded: return try RGBImage(decoding: bytes, place: place(of: index))
        }
    }

    /// The stored bytes of a record's image, after comparison with their checksum.
    package func bytes(of index: Int) throws(DatasetError) -> [UInt8] {
        let (start, count) =
            switch images {
            case .pixels(let start, let height, let width, _):
                (start + index * height * width * 3, height * width * 3)
            case .encoded(let start, let offsets, _, _):
                (start + Int(offsets[index]), Int(offsets[index + 1] - offsets[index]))
            }
        let bytes = try file.read(at: start, count: count)
        try check(bytes.span, of: index)
        return bytes
    }

    /// Reads the stored bytes of an image into a worker's memory and compares them with their
    /// checksum.
    package func load(_ index: Int, into workspace: ImageWorkspace) throws(DatasetError) {
        switch images {
        case .pixels(let start, let height, let width, _):
            try workspace.holdPixels(width: width, height: height) { (bytes) throws(DatasetError) in
                try file.read(at: start + index * bytes.count, into: &bytes)
                try check(bytes.span, of: index)
            }
        case .encoded(let start, let offsets, _, _):
            let byteCount = Int(offsets[index + 1] - offsets[index])
            try workspace.holdFile(
                byteCount: byteCount, place: { self.place(of: index) },
                read: { (bytes) throws(DatasetError) in
                    try file.read(at: start + Int(offsets[index]), into: &bytes)
                    try check(bytes.span, of: index)
                })
        }
    }

    /// Compares a record's image with its checksum, if it has one.
    private func check(_ bytes: Span<UInt8>, of index: Int) throws(DatasetError) {
        guard let expected = checksums?[index] else { return }
        let found = CRC32C(bytes).value
        guard found == expected else {
            throw DatasetError(
                action: "read record", place: place(of: index),
                reason:
                    "its bytes are damaged: checksum \(hexadecimal(found)), the shard says \(hexadecimal(expected))",
                remedy: remedy)
        }
    }

    /// A record's location for errors: the shard's file, the record's number in it and the original
    /// path of its image.
    package func place(of index: Int) -> String {
        let path = ((try? path(of: index)) ?? nil).map { " (\($0.text))" } ?? ""
        return "\(file.path), record \(index)\(path)"
    }

    /// The original path of an image; `nil` if images are stored as pixels.
    package func path(of index: Int) throws(DatasetError) -> FilePath? {
        guard case .encoded(_, _, let start, let count) = images else { return nil }
        let bytes = try file.read(at: start + index * count, count: count)
        return FilePath(bytes: bytes.prefix { $0 != 0 })
    }

    /// The numbers of the records whose bytes do not match their checksums; `nil` if there are no
    /// checksums.
    package func damagedRecords() -> [Int]? {
        checksums.map { checksums in checksums.indices.filter { isDamaged($0) } }
    }

    private func isDamaged(_ index: Int) -> Bool {
        do throws(DatasetError) {
            _ = try bytes(of: index)
            return false
        } catch {
            return !error.isSystemFault
        }
    }
}

private let remedy = "copy or pack the dataset again"

private func hexadecimal(_ checksum: UInt32) -> String {
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

extension ShardReader.Images {
    /// The offsets of encoded images; empty if images are stored as pixels.
    fileprivate var offsets: [UInt64] {
        if case .encoded(_, let offsets, _, _) = self { offsets } else { [] }
    }

    /// The position after the last byte that may be read later.
    fileprivate var end: Int {
        switch self {
        case .pixels(_, _, _, let end): end
        case .encoded(let start, let offsets, let pathStart, let pathByteCount):
            max(start + Int(offsets[offsets.count - 1]), pathStart + (offsets.count - 1) * pathByteCount)
        }
    }

    fileprivate init(
        _ hdf5: HDF5Metadata, count: Int, layout: Manifest.Layout, _ file: ReadableFile
    ) throws {
        switch layout {
        case .pixels(let height, let width, let channels):
            let shape = try hdf5.shape(of: "images")
            guard shape == [count, height, width, channels], channels == 3,
                try hdf5.elementType(of: "images") == .uint8
            else {
                throw DatasetError(
                    action: "open shard", place: hdf5.path,
                    reason: "'images' has shape \(shape), expected uint8 \([count, height, width, 3])")
            }
            let start = try hdf5.contiguousOffset(of: "images")
            self = .pixels(
                start: start, height: height, width: width, end: start + shape.reduce(1, *))
        case .encoded:
            let offsets: [UInt64] = try hdf5.read("offsets", count: count + 1, from: file)
            let byteCount = try hdf5.shape(of: "bytes").first ?? 0
            guard try hdf5.elementType(of: "bytes") == .uint8, offsets.first == 0,
                offsets.last == UInt64(byteCount),
                zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
            else {
                throw DatasetError(
                    action: "open shard", place: hdf5.path,
                    reason: "'offsets' does not divide \(byteCount) bytes into \(count) images")
            }
            guard let pathByteCount = try hdf5.fixedStringByteCount(of: "paths"),
                try hdf5.shape(of: "paths") == [count]
            else {
                throw DatasetError(
                    action: "open shard", place: hdf5.path,
                    reason: "'paths' does not hold \(count) fixed-length strings")
            }
            self = .encoded(
                start: try hdf5.contiguousOffset(of: "bytes"), offsets: offsets,
                pathStart: try hdf5.contiguousOffset(of: "paths"), pathByteCount: pathByteCount)
        }
    }
}

extension HDF5Metadata {
    /// Reads a one-dimensional dataset of known length.
    ///
    /// - Throws: If it has another length, as in a damaged file; checked before memory is
    ///   allocated.
    fileprivate func read<Element: HDF5Element>(
        _ dataset: String, count: Int, from file: ReadableFile
    ) throws -> [Element] {
        let (shape, type) = (try shape(of: dataset), try elementType(of: dataset))
        guard shape == [count], type == Element.elementType else {
            throw DatasetError(
                action: "open shard", place: path,
                reason: """
                    '\(dataset)' has shape \(shape) of \(type?.rawValue ?? "an unsupported type"), expected \([count]) of \
                    \(Element.elementType.rawValue)
                    """)
        }
        let bytes = try file.read(
            at: try contiguousOffset(of: dataset), count: count * MemoryLayout<Element>.size)
        return unsafe [Element](unsafeUninitializedCapacity: count) { target, initialized in
            unsafe UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes)
            initialized = count
        }
    }
}
