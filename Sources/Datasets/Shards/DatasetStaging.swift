internal import Checksums
internal import Files
internal import Foundation
internal import Synchronization
internal import Workers

/// A copy of a dataset on a disk of this host, closer than the storage of the dataset itself.
///
/// The copy is `<folder>/<name>-<fingerprint>`, so datasets with the same name, and a dataset that
/// is packed again, do not collide. Each shard is compared with its checksum while it is copied and
/// gets its final name once it is complete; the manifest is written last. An interrupted copy is
/// resumed; several processes may copy the same dataset at the same time.
package struct DatasetStaging: Sendable {
    /// The copy's folder.
    package let destination: String
    private let source: String
    private let manifest: Manifest

    /// - Parameters:
    ///   - source: The folder of the dataset.
    ///   - folder: A folder on the local disk; created if it does not exist.
    package init(_ source: String, in folder: String) throws(DatasetError) {
        self.source = source
        manifest = try Manifest(folder: source)
        let name = lastName(of: source)
        // Not the manifest's name, which may be any text.
        destination = "\(folder)/\(Manifest.isFileName(name) ? name : "dataset")-\(manifest.fingerprint)"
    }

    /// Whether nothing is left to copy.
    package var isComplete: Bool {
        (try? Manifest(folder: destination)) == manifest
            && manifest.shards.allSatisfy { fileByteCount("\(destination)/\($0.file)") == $0.byteCount }
    }

    /// Copies the shards that are missing or damaged.
    ///
    /// - Parameters:
    ///   - threads: Number of shards that are copied in parallel.
    ///   - progress: Receives the bytes copied so far and the total; called from one thread at a
    ///     time.
    /// - Throws: If a shard is missing or damaged, or the disk is full or cannot be written.
    package func copy(
        threads: Int = 1, progress: @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(DatasetError) {
        if isComplete { return }
        try DatasetError.wrapping("stage dataset", destination) { try createFolder(destination) }
        removeLeftovers()
        try checkRoom()
        let total = manifest.shards.reduce(0) { $0 + $1.byteCount }
        let done = Mutex(0)
        var failures = [DatasetError?](repeating: nil, count: manifest.shards.count)
        var span = failures.mutableSpan
        WorkerPool(threads: threads).split(&span, every: 1) { index, failure in
            do throws(DatasetError) {
                try copy(manifest.shards[index]) { count in
                    done.withLock {
                        $0 += count
                        progress($0, total)
                    }
                }
            } catch {
                failure[0] = error
            }
        }
        if let error = failures.lazy.compactMap({ $0 }).first { throw error }
        try writeManifest()
    }

    /// Copies one shard, unless a complete copy exists.
    private func copy(_ shard: Manifest.Shard, _ progress: (Int) -> Void) throws(DatasetError) {
        if (try? checkBytes(of: shard, in: destination)) != nil {
            progress(shard.byteCount)
            return
        }
        let path = "\(destination)/\(shard.file)"
        let original = try ReadableFile("\(source)/\(shard.file)")
        try DatasetError.wrapping("stage shard", path) {
            do {
                try Self.replace(path, "stage shard", check: { try place(shard, $0, at: path) }) { copy in
                    let checksum = try copy.copyBytes(of: original, progress)
                    guard checksum.hexadecimal == shard.checksum, original.byteCount == shard.byteCount else {
                        throw DatasetError(
                            action: "stage shard", place: original.path,
                            reason:
                                "its checksum is \(checksum.hexadecimal), the manifest says \(shard.checksum)",
                            remedy: "copy or pack the dataset again")
                    }
                }
            } catch is IsThere {}
        }
    }

    private func writeManifest() throws(DatasetError) {
        let path = "\(destination)/\(Manifest.fileName)"
        try DatasetError.wrapping("stage manifest", path) {
            let text = try manifest.text()
            try Self.replace(path, "stage manifest") { try $0.write(Array(text.utf8)) }
        }
    }

    /// Writes or replaces a file. It stays locked until it has its final name, so that no other job
    /// takes it for a leftover.
    private static func replace(
        _ path: String, _ action: String, check: (_ temporary: String) throws -> Void = { _ in },
        _ write: (PartialFile) throws -> Void
    ) throws {
        var held: PartialFile?
        try replaceFile(at: path, check: check) { temporary in
            let file = try PartialFile(temporary, action: action)
            held = file
            try write(file)
        }
        withExtendedLifetime(held) {}
    }

    /// The shard has its final name, and nothing is left to rename.
    private struct IsThere: Error {}

    /// Gives a copy its final name, unless another job has put a complete copy there meanwhile: a
    /// third job may already read that one.
    ///
    /// - Throws: `IsThere` if the shard is complete under its final name. Otherwise the caller has
    ///   to rename the copy: a damaged file has the name, or the file system has no hard links.
    private func place(_ shard: Manifest.Shard, _ temporary: String, at path: String) throws(IsThere) {
        if unsafe link(temporary, path) == 0 || (try? checkBytes(of: shard, in: destination)) != nil {
            throw IsThere()
        }
    }

    private func checkRoom() throws(DatasetError) {
        let missing = manifest.shards.filter { fileByteCount("\(destination)/\($0.file)") != $0.byteCount }
        let needed = missing.reduce(0) { $0 + $1.byteCount }
        var status = statvfs()
        guard unsafe statvfs(destination, &status) == 0 else { return }
        let free = Int(status.f_bavail) * Int(status.f_frsize)
        guard free > needed else {
            throw DatasetError(
                action: "stage dataset", place: destination,
                reason: "the copy needs \(needed / 1_000_000) MB, \(free / 1_000_000) MB are free",
                remedy: "make room, give another folder to --stage, or leave it out")
        }
    }

    /// Removes temporary files that no process writes any more.
    private func removeLeftovers() {
        for name in (try? namesInFolder(destination)) ?? [] where name.contains(partialMark) {
            PartialFile.removeIfLeft("\(destination)/\(name)")
        }
    }
}

/// The size of a file; `nil` if it does not exist.
private func fileByteCount(_ path: String) -> Int? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
}
