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
    }

    struct Entry {
        var path: String
        var byteCount: Int
        var isFile: Bool
        /// Where the entry's header starts in the uncompressed archive.
        var offset: Int
    }

    private let handle: OpaquePointer?
    private let path: String

    /// Starts at the front of the file at `path`.
    init(_ path: String, _ format: Format) throws(DatasetError) {
        self.init(path, format, compressed: true)
        // Opened here for the operating system's own words where it cannot be.
        _ = try ReadableFile(path)
        try check(unsafe archive_read_open_filename(handle, path, 1 << 16))
    }

    /// Starts at an entry of an uncompressed archive.
    ///
    /// - Parameter descriptor: The open archive; it is read from `offset` on and stays open.
    init(_ path: String, descriptor: Int32, at offset: Int) throws(DatasetError) {
        self.init(path, .tar, compressed: false)
        guard lseek(descriptor, offset, SEEK_SET) == offset else {
            throw failure("it cannot be read from \(offset) on")
        }
        try check(unsafe archive_read_open_fd(handle, descriptor, 1 << 14))
    }

    private init(_ path: String, _ format: Format, compressed: Bool) {
        unsafe handle = archive_read_new()
        self.path = path
        if compressed { _ = unsafe archive_read_support_filter_all(handle) }
        switch format {
        case .tar: _ = unsafe archive_read_support_format_tar(handle)
        case .raw: _ = unsafe archive_read_support_format_raw(handle)
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
        let message = unsafe archive_error_string(handle).map { unsafe String(cString: $0) }
        throw failure(message ?? "it cannot be read")
    }

    private func failure(_ reason: String) -> DatasetError {
        DatasetError(action: "read archive", place: path, reason: reason)
    }
}

/// A path without `./` in front.
private func normalized(_ path: String) -> String {
    var path = Substring(path)
    while path.hasPrefix("./") { path = path.dropFirst(2) }
    return String(path)
}
