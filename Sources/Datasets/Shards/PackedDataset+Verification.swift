internal import Checksums
internal import Synchronization
internal import Workers

extension PackedDataset {
    /// Reads every shard of the dataset at `path` in full and compares it with its checksum; then
    /// opens it as training does and compares its labels and shapes with the manifest, and each
    /// record with its own checksum. No image is decoded.
    ///
    /// - Parameters:
    ///   - threads: Number of shards that are read in parallel.
    ///   - progress: Receives the bytes checked so far and the total; called from one thread at a
    ///     time.
    /// - Returns: The manifest.
    /// - Throws: If a shard is missing or damaged. The error names the first such shard with its
    ///   damaged records (number and path), and the names of the others.
    @discardableResult
    package static func verify(
        path: String, threads: Int = 1, progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DatasetError) -> Manifest {
        let manifest = try Manifest(folder: path)
        let total = manifest.shards.reduce(0) { $0 + $1.byteCount }
        let done = Mutex(0)
        var failures = [DatasetError?](repeating: nil, count: manifest.shards.count)
        var span = failures.mutableSpan
        WorkerPool(threads: threads).split(&span, every: 1) { index, failure in
            do throws(DatasetError) {
                let shard = manifest.shards[index]
                try checkBytes(of: shard, in: path) { count in
                    done.withLock {
                        $0 += count
                        progress($0, total)
                    }
                }
                try checkContent(of: shard, of: manifest, in: path)
            } catch {
                failure[0] = error
            }
        }
        guard let first = failures.firstIndex(where: { $0 != nil }), var error = failures[first] else {
            return manifest
        }
        if error.action == "verify shard", let damage = damage(in: manifest.shards[first], of: manifest, path)
        {
            error.reason += "; \(damage)"
        }
        let others = failures.indices.filter { $0 != first && failures[$0] != nil }.map {
            manifest.shards[$0].file
        }
        if !others.isEmpty {
            error.reason += "; also damaged: \(others.prefix(10).joined(separator: ", "))"
            error.reason += others.count > 10 ? " and \(others.count - 10) more" : ""
        }
        throw error
    }

    /// Opens a shard as training does and compares each record with its checksum.
    private static func checkContent(
        of shard: Manifest.Shard, of manifest: Manifest, in folder: String
    ) throws(DatasetError) {
        let reader = try open(shard, of: manifest, in: folder)
        guard let record = reader.damagedRecords()?.first else { return }
        throw DatasetError(
            action: "read record", place: reader.place(of: record),
            reason:
                "its bytes do not match its checksum, although the checksum of the whole file matches the manifest",
            remedy: "copy or pack the dataset again")
    }

    /// Verifies this dataset like `verify(path:threads:progress:)`.
    package func verify() throws(DatasetError) { try Self.verify(path: path) }

    /// Describes the damaged parts of a shard, as far as they can be determined.
    ///
    /// - Returns: `nil` if the shard has no record checksums.
    private static func damage(
        in shard: Manifest.Shard, of manifest: Manifest, _ folder: String
    ) -> String? {
        guard manifest.recordChecksum != nil else { return nil }
        let reader: ShardReader
        do throws(DatasetError) {
            reader = try ShardReader(folder: folder, shard: shard, layout: manifest.layout, isChecked: true)
        } catch {
            return error.reason
        }
        guard let records = reader.damagedRecords(), !records.isEmpty else {
            return "all images are intact, the damage is outside them"
        }
        if records.count == shard.count, shard.count > 1 {
            return "no image is at its expected offset, the HDF5 metadata is damaged"
        }
        let names = records.prefix(3).map { record in
            "record \(record)" + (((try? reader.path(of: record)) ?? nil).map { " (\($0.text))" } ?? "")
        }
        let rest = records.count > 3 ? " and \(records.count - 3) more" : ""
        return "damaged: \(names.joined(separator: ", "))\(rest)"
    }
}

/// Compares the size and checksum of a shard's file with those in the manifest.
///
/// - Parameter progress: Receives the byte count of each piece that is read.
package func checkBytes(
    of shard: Manifest.Shard, in folder: String, progress: (Int) -> Void = { _ in }
) throws(DatasetError) {
    let file = try ReadableFile("\(folder)/\(shard.file)")
    let remedy = "copy or pack the dataset again"
    guard file.byteCount == shard.byteCount else {
        throw DatasetError(
            action: "verify shard", place: file.path,
            reason: "it has \(file.byteCount) bytes, the manifest says \(shard.byteCount)", remedy: remedy)
    }
    let checksum = try file.checksum(progress: progress).hexadecimal
    guard checksum == shard.checksum else {
        throw DatasetError(
            action: "verify shard", place: file.path,
            reason: "its checksum is \(checksum), the manifest says \(shard.checksum)", remedy: remedy)
    }
}
