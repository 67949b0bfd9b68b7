internal import Datasets
internal import Files
internal import Glibc

/// An unlinked file in the temporary folder (`TMPDIR`), which the system removes when it is closed.
final class TemporaryFile: Sendable {
    private let descriptor: Int32
    /// The archive that is unpacked into it, for errors.
    private let archive: String

    init(for archive: String) throws(DatasetError) {
        let folder = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/t2fnorm-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        self.archive = archive
        guard descriptor >= 0 else {
            throw DatasetError(
                action: "unpack archive \(archive)", place: folder, reason: systemMessage(),
                remedy: "set TMPDIR to a folder that can be written")
        }
        _ = unsafe unlink(template)
    }

    deinit { _ = close(descriptor) }

    /// Writes `bytes` from `offset` on.
    func write(_ bytes: [UInt8], at offset: Int) throws(DatasetError) {
        var written = 0
        while written < bytes.count {
            let more = unsafe bytes.withUnsafeBytes {
                unsafe pwrite(descriptor, $0.baseAddress! + written, $0.count - written, offset + written)
            }
            if more < 0, errno == EINTR { continue }
            guard more > 0 else {
                throw DatasetError(
                    action: "unpack archive", place: archive, reason: systemMessage(),
                    remedy: "set TMPDIR to a folder with more room")
            }
            written += more
        }
    }

    /// Writes the rest of an archive's entry from `offset` on.
    ///
    /// - Returns: The number of bytes written, at most `limit` plus 1 MiB.
    func write(
        entryOf reader: inout ArchiveReader, atMost limit: Int, at offset: Int
    ) throws(DatasetError) -> Int {
        var count = 0
        while count <= limit {
            let piece = try reader.read(atMost: 1 << 20)
            if piece.isEmpty { break }
            try write(piece, at: offset + count)
            count += piece.count
        }
        return count
    }

    /// Reads `count` bytes from `offset` on; throws if there are fewer.
    func read(at offset: Int, count: Int, place: @autoclosure () -> String) throws(DatasetError) -> [UInt8] {
        try readAll(descriptor, at: offset, count: count, place: place())
    }
}
