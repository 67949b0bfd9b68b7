internal import CArchive
internal import Glibc

/// One pass over an archive, from the front or from an entry's known place.
@safe struct ArchiveReader: ~Copyable {
    /// What is looked for inside the compression, of which every kind is known by its first bytes.
    enum Format {
        /// tar in all its dialects.
        case tar
        /// One file without a name.
        case raw
        /// zip, by its directory at the end.
        case zip
    }

    struct Entry {
        var path: String
        var byteCount: Int
        var isFile: Bool
        /// Where the entry's header starts in the uncompressed archive.
        var offset: Int
    }

    private let handle: OpaquePointer?
    /// The archive that this one is an entry of.
    private let outer: OpaquePointer?
    private let path: String

    /// Starts at the front of the file at `path`.
    init(_ path: String, _ format: Format) throws(DatasetError) {
        unsafe self.init(path, format, compressed: true)
        // Opened here for the operating system's own words where it cannot be.
        _ = try ReadableFile(path)
        try check(unsafe archive_read_open_filename(handle, path, 1 << 16))
    }

    /// Starts at an entry of an uncompressed archive.
    ///
    /// - Parameter descriptor: The open archive; it is read from `offset` on and stays open.
    init(_ path: String, descriptor: Int32, at offset: Int) throws(DatasetError) {
        unsafe self.init(path, .tar, compressed: false)
        guard lseek(descriptor, offset, SEEK_SET) == offset else {
            throw failure("it cannot be read from \(offset) on")
        }
        try check(unsafe archive_read_open_fd(handle, descriptor, 1 << 14))
    }

    /// Starts at the front of an archive that is the current entry of `outer`, and is read from there.
    ///
    /// - Precondition: `outer` goes to no other entry, nor away, before this one is done with.
    init(_ path: String, inside outer: borrowing ArchiveReader) throws(DatasetError) {
        unsafe self.init(path, .tar, compressed: true, outer: outer.handle)
        let context = unsafe UnsafeMutableRawPointer(outer.handle)
        try check(unsafe archive_read_open(handle, context, nil, { unsafe readBlock($1, $2) }, nil))
    }

    private init(_ path: String, _ format: Format, compressed: Bool, outer: OpaquePointer? = nil) {
        unsafe handle = archive_read_new()
        unsafe self.outer = outer
        self.path = path
        if compressed { _ = unsafe archive_read_support_filter_all(handle) }
        switch format {
        case .tar: _ = unsafe archive_read_support_format_tar(handle)
        case .raw: _ = unsafe archive_read_support_format_raw(handle)
        case .zip: _ = unsafe archive_read_support_format_zip_seekable(handle)
        }
    }

    deinit { _ = unsafe archive_read_free(handle) }

    /// Whether the archive lies in the file as it is; known after the first entry.
    var isUncompressed: Bool { unsafe archive_filter_code(handle, 0) == ARCHIVE_FILTER_NONE }

    /// The next entry; `nil` after the last one.
    mutating func nextEntry() throws(DatasetError) -> Entry? {
        var entry: OpaquePointer?
        let status = unsafe archive_read_next_header(handle, &entry)
        if status == ARCHIVE_EOF { return nil }
        try check(status)
        // The first form fails for names in no known character set, the second one in the C locale.
        let name = unsafe archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
        return Entry(
            path: unsafe name.map { unsafe normalized(String(cString: $0)) } ?? "",
            byteCount: Int(unsafe archive_entry_size(entry)),
            isFile: unsafe CARCHIVE_IS_REGULAR_FILE(entry) != 0,
            offset: Int(unsafe archive_read_header_position(handle)))
    }

    /// The rest of the entry's bytes, at most `limit`; none at its end.
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

    /// Throws unless the call went well, or nearly: a warning is about a name or a date.
    private func check(_ status: Int32) throws(DatasetError) {
        guard status < ARCHIVE_WARN else { return }
        let message =
            unsafe archive_error_string(handle) ?? outer.map { unsafe archive_error_string($0) } ?? nil
        throw failure(unsafe message.map { unsafe String(cString: $0) } ?? "it cannot be read")
    }

    private func failure(_ reason: String) -> DatasetError {
        DatasetError(action: "read archive", place: path, reason: reason)
    }
}

/// Gives the next bytes of an archive's current entry, as libarchive's callback for reading.
private func readBlock(
    _ outer: UnsafeMutableRawPointer?, _ block: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    var (size, offset) = (0, Int64(0))
    let status = unsafe archive_read_data_block(outer.map { OpaquePointer($0) }, block, &size, &offset)
    return status == ARCHIVE_OK ? size : status == ARCHIVE_EOF ? 0 : Int(ARCHIVE_FATAL)
}

/// A path without `./` in front.
private func normalized(_ path: String) -> String {
    var path = Substring(path)
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    return String(path)
}
