internal import CHDF5

extension HDF5File {
    /// The step by which a file in memory grows, in bytes.
    private static let increment = 8 << 20

    /// Creates a file in memory, whose bytes the caller writes to the disk.
    ///
    /// If the disk is full, the library can neither finish nor release a file on it; a file in
    /// memory does not have this problem.
    ///
    /// - Parameter name: For errors; no file is created at this path.
    package init(inMemory name: String) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = Operation(action: "create in memory", file: name)
        let properties = try fileAccess(operation)
        try operation.check(
            "H5Pset_fapl_core", H5Pset_fapl_core(properties.identifier, Self.increment, false))
        let identifier = try operation.check(
            "H5Fcreate", unsafe H5Fcreate(name, CHDF5_ACC_TRUNC(), 0, properties.identifier))
        path = name
        handle = Handle(identifier, H5Fclose)
    }

    /// Calls `body` with the bytes of a file in memory, as they would be on the disk.
    ///
    /// The library's lock is not held meanwhile, so the file must not be used elsewhere.
    ///
    /// - Precondition: The file was created by `init(inMemory:)`.
    package func withBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
        let bytes = try unsafe image()
        return try unsafe body(RawSpan(_unsafeBytes: bytes))
    }

    private func image() throws(HDF5Error) -> UnsafeRawBufferPointer {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read from memory", nil)
        try operation.check("H5Fflush", H5Fflush(handle.identifier, H5F_SCOPE_GLOBAL))
        let count = try operation.check(
            "H5Fget_file_image", H5Fget_file_image(handle.identifier, nil, 0))
        var place: UnsafeMutableRawPointer?
        try operation.check(
            "H5Fget_vfd_handle", unsafe H5Fget_vfd_handle(handle.identifier, 0, &place))
        // The driver returns the address of its pointer to the memory.
        let memory = unsafe place?.load(as: UnsafeRawPointer?.self)
        return unsafe UnsafeRawBufferPointer(start: memory, count: count)
    }
}
