internal import Checksums
internal import HDF5
package import SystemPackage

/// Collects the records of one shard and writes them to a file.
///
/// `pixels`: `images` uint8 `[n, height, width, channels]` and `labels` int32 `[n]`. `encoded`:
/// `bytes` uint8, all files concatenated, `offsets` uint64 `[n + 1]`, `labels`, and `paths` `[n]`,
/// each stored as bytes, which are UTF-8 if the file's name was. Both: `checksums` uint32 `[n]`,
/// the CRC-32C of each record's image bytes, and the attribute `tables`, the CRC-32C of `labels`,
/// `checksums` and `offsets` concatenated.
package struct ShardWriter {
    private let layout: Manifest.Layout
    private var bytes: [UInt8] = []
    private var offsets: [UInt64] = [0]
    private var labels: [Int32] = []
    private var checksums: [UInt32] = []
    private var paths: [[UInt8]] = []

    package init(layout: Manifest.Layout) { self.layout = layout }

    /// Number of collected records.
    package var count: Int { labels.count }

    /// Number of bytes of their images.
    package var byteCount: Int { bytes.count }

    /// Adds a record.
    ///
    /// - Parameter image: Pixels of shape `[height, width, channels]`, or the bytes of an image
    ///   file.
    package mutating func append(image: [UInt8], label: Int32, path: FilePath) {
        if case .pixels(let height, let width, let channels) = layout {
            precondition(
                image.count == height * width * channels,
                "\(image.count) bytes for \(height)×\(width)×\(channels) pixels")
        }
        bytes.append(contentsOf: image)
        checksums.append(CRC32C(image.span).value)
        labels.append(label)
        if layout == .encoded {
            offsets.append(UInt64(bytes.count))
            paths.append(path.bytes)
        }
    }

    /// Writes the collected records to `folder/file` and removes them from this writer.
    package mutating func write(folder: String, file: String) throws(DatasetError) -> Manifest.Shard {
        let path = "\(folder)/\(file)"
        try DatasetError.wrapping("write shard", path) {
            try HDF5File.writeAtomically(to: path) { hdf5 in
                switch layout {
                case .pixels(let height, let width, let channels):
                    try hdf5.write(bytes, shape: [count, height, width, channels], to: "images")
                case .encoded:
                    try hdf5.write(bytes, to: "bytes")
                    try hdf5.write(offsets, to: "offsets")
                    try hdf5.write(paths, to: "paths")
                }
                try hdf5.write(labels, to: "labels")
                try hdf5.write(checksums, to: "checksums")
                let tables = tableChecksum(
                    labels: labels, checksums: checksums, offsets: layout == .encoded ? offsets : [])
                try hdf5.setAttribute("tables", tables)
            }
        }
        let written = try ReadableFile(path)
        let shard = Manifest.Shard(
            file: file, count: count, byteCount: written.byteCount,
            checksum: try written.checksum().hexadecimal)
        bytes.removeAll(keepingCapacity: true)
        offsets = [0]
        labels.removeAll(keepingCapacity: true)
        checksums.removeAll(keepingCapacity: true)
        paths.removeAll(keepingCapacity: true)
        return shard
    }
}

/// The CRC-32C of a shard's contents other than its images.
///
/// - Parameter offsets: Empty if images are stored as pixels.
func tableChecksum(labels: [Int32], checksums: [UInt32], offsets: [UInt64]) -> UInt32 {
    var check = CRC32C()
    check.update(labels)
    check.update(checksums)
    check.update(offsets)
    return check.value
}
