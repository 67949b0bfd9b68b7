internal import CArchive
internal import Datasets
internal import Glibc
internal import SystemPackage

/// The version of libarchive, which `data pack` alone uses.
package func archiveLibraryVersion() -> String {
    let text = unsafe String(cString: archive_version_string())
    return String(text.drop { !$0.isNumber })
}

/// A sequential reader of an archive, from the front or from an entry's known offset.
@safe struct ArchiveReader: ~Copyable {
    /// The format inside the compression; the compression itself is detected by its first bytes.
    enum Format {
        /// tar in all its dialects.
        case tar
        /// One file without a name.
        case raw
        /// zip, by its directory at the end.
        case zip
    }

    struct Entry {
        enum Kind: Equatable {
            case file, folder
            /// A hard link to the entry at a path of the archive.
            case hardLink(FilePath)
            /// A symbolic link to a path relative to its own folder.
            case symbolicLink(FilePath)
            case other
        }

        /// The name as stored in the archive.
        var name: FilePath
        var kind: Kind
        var byteCount: Int
        /// The offset of the entry's header in the uncompressed archive.
        var offset: Int

        var isFile: Bool { kind == .file }
        /// The name as a path inside the archive; `nil` if it leads out of the archive.
        var path: FilePath? { name.insideTree }
    }

    private let handle: OpaquePointer?
    /// The archive that contains this one as an entry.
    private let outer: OpaquePointer?
    /// The byte range of a file that is read.
    private let piece: FilePiece?
    private let path: String
    private let format: Format
    /// The end of the last entry in the uncompressed archive, including the padding of its last
    /// block.
    private var end: Int?

    /// Starts at the front of the file at `path`.
    init(_ path: String, _ format: Format) throws(DatasetError) {
        unsafe self.init(path, format, compressed: true)
        // Opened here first, so that a failure has the operating system's own message.
        _ = try ReadableFile(path)
        try check(unsafe archive_read_open_filename(handle, path, 1 << 16))
    }

    /// Reads an uncompressed archive, or the rest of one from an entry on, from a byte range of a
    /// file.
    init(_ path: String, piece: FilePiece) throws(DatasetError) {
        unsafe self.init(path, .tar, compressed: false, piece: piece)
        let context = unsafe Unmanaged.passUnretained(piece).toOpaque()
        try check(
            unsafe archive_read_open(handle, context, nil, { unsafe readPiece($0, $1, $2) }, nil))
    }

    /// Starts at the front of an archive that is the current entry of `outer`, and reads it through
    /// `outer`.
    ///
    /// - Precondition: `outer` outlives this reader and stays at its current entry meanwhile.
    init(_ path: String, inside outer: borrowing ArchiveReader) throws(DatasetError) {
        unsafe self.init(path, .tar, compressed: true, outer: outer.handle)
        let context = unsafe UnsafeMutableRawPointer(outer.handle)
        try check(unsafe archive_read_open(handle, context, nil, { unsafe readBlock($0, $1, $2) }, nil))
    }

    private init(
        _ path: String, _ format: Format, compressed: Bool, outer: OpaquePointer? = nil,
        piece: FilePiece? = nil
    ) {
        unsafe handle = archive_read_new()
        unsafe self.outer = outer
        self.piece = piece
        self.path = path
        self.format = format
        if compressed { unsafe supportCompression(handle) }
        switch format {
        case .tar:
            _ = unsafe archive_read_support_format_tar(handle)
            // Archives concatenated after the end of the first are read, too, as with
            // `tar --ignore-zeros`.
            _ = unsafe archive_read_set_format_option(handle, "tar", "read_concatenated_archives", "1")
        case .raw: _ = unsafe archive_read_support_format_raw(handle)
        case .zip: _ = unsafe archive_read_support_format_zip_seekable(handle)
        }
    }

    deinit { _ = unsafe archive_read_free(handle) }

    /// Whether the archive is stored uncompressed; known after the first entry.
    var isUncompressed: Bool { unsafe archive_filter_code(handle, 0) == ARCHIVE_FILTER_NONE }

    /// The next entry; `nil` after the last one.
    ///
    /// - Throws: Also if a tar archive has no end mark, because it was cut off between two entries.
    mutating func nextEntry() throws(DatasetError) -> Entry? {
        if end != nil, format == .tar {
            try check(unsafe archive_read_data_skip(handle))
            end = Int(unsafe archive_filter_bytes(handle, 0))
        }
        var entry: OpaquePointer?
        let status = unsafe archive_read_next_header(handle, &entry)
        if status == ARCHIVE_EOF {
            try checkEnd()
            return nil
        }
        try check(status)
        end = end ?? 0
        // The first call returns the stored bytes, or null if they are in another character set.
        let name = unsafe archive_entry_pathname(entry) ?? archive_entry_pathname_utf8(entry)
        return Entry(
            name: unsafe pathOf(name), kind: unsafe kind(of: entry),
            byteCount: Int(unsafe archive_entry_size(entry)),
            offset: Int(unsafe archive_read_header_position(handle)))
    }

    /// The next bytes of the entry, at most `limit`; none at its end.
    mutating func read(atMost limit: Int) throws(DatasetError) -> [UInt8] {
        var status = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { target, initialized in
            while initialized < limit {
                status = unsafe archive_read_data(
                    handle, target.baseAddress! + initialized, limit - initialized)
                if status <= 0 { break }
                initialized += status
            }
        }
        try check(Int32(clamping: min(status, 0)))
        return bytes
    }

    /// Throws unless a block follows the last entry: a tar archive ends with a block of zeros.
    private func checkEnd() throws(DatasetError) {
        guard format == .tar, let end else { return }
        guard Int(unsafe archive_filter_bytes(handle, 0)) >= end + tarBlock else {
            throw failure("it has no end mark: it was cut off after an entry", "copy or download it again")
        }
    }

    /// Throws unless the call succeeded or returned a warning, which concerns a name or a date
    /// only.
    ///
    /// After a damaged header libarchive would continue with the next one; this reader stops.
    private func check(_ status: Int32) throws(DatasetError) {
        guard status < ARCHIVE_OK, status != ARCHIVE_WARN else { return }
        if let error = piece?.failure { throw error }
        let message =
            unsafe archive_error_string(handle) ?? outer.map { unsafe archive_error_string($0) } ?? nil
        throw failure(unsafe message.map { unsafe String(cString: $0) } ?? "it is damaged or cut off")
    }

    private func failure(_ reason: String, _ remedy: String? = nil) -> DatasetError {
        DatasetError(action: "read archive", place: path, reason: reason, remedy: remedy)
    }
}

/// Enables the decompressors built into libarchive; for other kinds it would start external
/// programs.
private func supportCompression(_ handle: OpaquePointer?) {
    _ = unsafe archive_read_support_filter_gzip(handle)
    _ = unsafe archive_read_support_filter_bzip2(handle)
    _ = unsafe archive_read_support_filter_xz(handle)
    _ = unsafe archive_read_support_filter_lzma(handle)
    _ = unsafe archive_read_support_filter_lzip(handle)
    _ = unsafe archive_read_support_filter_zstd(handle)
    _ = unsafe archive_read_support_filter_lz4(handle)
    _ = unsafe archive_read_support_filter_compress(handle)
}

private func pathOf(_ name: UnsafePointer<CChar>?) -> FilePath {
    unsafe name.map { unsafe FilePath(platformString: $0) } ?? FilePath()
}

private func kind(of entry: OpaquePointer?) -> ArchiveReader.Entry.Kind {
    let hardLink = unsafe archive_entry_hardlink(entry) ?? archive_entry_hardlink_utf8(entry)
    if unsafe hardLink != nil { return .hardLink(unsafe pathOf(hardLink)) }
    if unsafe CARCHIVE_IS_REGULAR_FILE(entry) != 0 { return .file }
    if unsafe CARCHIVE_IS_FOLDER(entry) != 0 { return .folder }
    let link = unsafe archive_entry_symlink(entry) ?? archive_entry_symlink_utf8(entry)
    return unsafe link != nil ? .symbolicLink(unsafe pathOf(link)) : .other
}

/// The read callback of libarchive that returns the next bytes of the outer archive's current
/// entry.
private func readBlock(
    _ archive: OpaquePointer?, _ outer: UnsafeMutableRawPointer?,
    _ block: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    var (size, offset) = (0, Int64(0))
    let status = unsafe archive_read_data_block(outer.map { OpaquePointer($0) }, block, &size, &offset)
    return status == ARCHIVE_OK ? size : status == ARCHIVE_EOF ? 0 : Int(ARCHIVE_FATAL)
}

/// The read callback of libarchive that returns the next bytes of a byte range of a file.
private func readPiece(
    _ archive: OpaquePointer?, _ piece: UnsafeMutableRawPointer?,
    _ block: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    guard let piece = unsafe piece else { return Int(ARCHIVE_FATAL) }
    let (bytes, count) = unsafe Unmanaged<FilePiece>.fromOpaque(piece).takeUnretainedValue().next()
    unsafe block?.pointee = bytes
    return count < 0 ? Int(ARCHIVE_FATAL) : count
}

extension SkippedEntries {
    /// Whether an archive's entry is a visible file; if not, it is added, unless it is a folder.
    mutating func take(_ entry: ArchiveReader.Entry) -> Bool {
        switch entry.kind {
        case .folder: return false
        case .hardLink, .symbolicLink: add(entry.name, .link)
        case .other: add(entry.name, .special)
        case .file:
            if entry.name.isVisible { return true }
            add(entry.name, .hidden)
        }
        return false
    }
}
