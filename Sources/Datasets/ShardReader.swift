internal import Checksums
internal import HDF5

/// Reads the records of one shard from any thread: after `init` by plain file reads, without HDF5.
package final class ShardReader: Sendable {
    /// Where the images' bytes lie in the file.
    fileprivate enum Images {
        case pixels(start: Int, height: Int, width: Int)
        case encoded(start: Int, offsets: [UInt64], pathStart: Int, pathByteCount: Int)
    }

    package let labels: [Int32]
    private let file: ReadableFile
    private let images: Images

    /// Opens a shard.
    ///
    /// - Throws: If the file is missing, its size is not the manifest's, or it does not hold what the manifest says.
    package init(folder: String, shard: Manifest.Shard, layout: Manifest.Layout) throws(DatasetError) {
        let path = "\(folder)/\(shard.file)"
        let file = try ReadableFile(path)
        guard file.byteCount == shard.byteCount else {
            throw DatasetError(
                action: "open shard", place: path,
                reason: "it has \(file.byteCount) bytes, the manifest says \(shard.byteCount)",
                remedy: "copy or pack the dataset again")
        }
        let (labels, images) = try DatasetError.wrapping("open shard", path) {
            let hdf5 = try HDF5File(opening: path)
            let labels: [Int32] = try hdf5.read("labels")
            guard labels.count == shard.count else {
                throw DatasetError(
                    action: "open shard", place: path,
                    reason: "it holds \(labels.count) labels, the manifest says \(shard.count)")
            }
            return (labels, try Images(hdf5, count: shard.count, layout: layout))
        }
        self.file = file
        self.labels = labels
        self.images = images
    }

    /// Reads and decodes an image.
    package func image(of index: Int) throws(DatasetError) -> RGBImage {
        switch images {
        case .pixels(let start, let height, let width):
            let count = height * width * 3
            return RGBImage(
                width: width, height: height, bytes: try file.read(at: start + index * count, count: count))
        case .encoded(let start, let offsets, _, _):
            let bytes = try file.read(
                at: start + Int(offsets[index]), count: Int(offsets[index + 1] - offsets[index]))
            return try RGBImage(
                decoding: bytes, place: "\(file.path), record \(index) (\((try? path(of: index)) ?? "?"))")
        }
    }

    /// Reads an image, as it is stored, into a worker's memory.
    package func load(_ index: Int, into workspace: ImageWorkspace) throws(DatasetError) {
        switch images {
        case .pixels(let start, let height, let width):
            try workspace.holdPixels(width: width, height: height) { (bytes) throws(DatasetError) in
                try file.read(at: start + index * bytes.count, into: &bytes)
            }
        case .encoded(let start, let offsets, _, _):
            let place = { "\(self.file.path), record \(index) (\((try? self.path(of: index)) ?? "?"))" }
            let byteCount = Int(offsets[index + 1] - offsets[index])
            try workspace.holdFile(byteCount: byteCount, place: place) { (bytes) throws(DatasetError) in
                try file.read(at: start + Int(offsets[index]), into: &bytes)
            }
        }
    }

    /// The path an image came from; `nil` where images are stored as pixels.
    package func path(of index: Int) throws(DatasetError) -> String? {
        guard case .encoded(_, _, let start, let count) = images else { return nil }
        let bytes = try file.read(at: start + index * count, count: count)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Compares the file's checksum with the manifest's.
    package func verify(_ shard: Manifest.Shard) throws(DatasetError) {
        let checksum = try file.checksum().hexadecimal
        guard checksum == shard.checksum else {
            throw DatasetError(
                action: "verify shard", place: file.path,
                reason: "its checksum is \(checksum), the manifest says \(shard.checksum)",
                remedy: "copy or pack the dataset again")
        }
    }
}

extension ShardReader.Images {
    fileprivate init(_ hdf5: borrowing HDF5File, count: Int, layout: Manifest.Layout) throws {
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
            self = .pixels(start: try hdf5.contiguousOffset(of: "images"), height: height, width: width)
        case .encoded:
            let offsets: [UInt64] = try hdf5.read("offsets")
            let byteCount = try hdf5.shape(of: "bytes").reduce(1, *)
            guard offsets.count == count + 1, offsets.first == 0, offsets.last == UInt64(byteCount),
                zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
            else {
                throw DatasetError(
                    action: "open shard", place: hdf5.path,
                    reason: "'offsets' does not cut \(byteCount) bytes into \(count) images")
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
