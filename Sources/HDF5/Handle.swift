internal import CHDF5

/// The only owner of an identifier of the C library.
struct Handle: ~Copyable, Sendable {
    let identifier: hid_t
    private let release: @convention(c) @Sendable (hid_t) -> herr_t

    init(_ identifier: hid_t, _ release: @convention(c) @Sendable (hid_t) -> herr_t) {
        self.identifier = identifier
        self.release = release
    }

    deinit {
        Library.lock()
        _ = release(identifier)
        Library.unlock()
    }

    /// Releases the identifier and returns the status: closing a file writes its last bytes, which
    /// can fail.
    consuming func close() -> herr_t {
        let (identifier, release) = (identifier, release)
        discard self
        return release(identifier)
    }
}
