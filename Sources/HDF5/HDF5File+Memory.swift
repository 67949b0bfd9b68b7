internal import CHDF5

extension HDF5File {
    /// How much room a file in memory grows by.
    private static let increment = 8 << 20

    /// Creates a file in memory, whose bytes somebody else writes.
    ///
    /// The library can neither finish nor let go of a file that the disk has no room for; memory does not refuse.
    ///
    /// - Parameter name: For errors; nothing is at this path.
    public init(inMemory name: String) throws(HDF5Error) {
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

    /// Hands over the bytes of a file in memory, as they would lie on the disk.
    ///
    /// The library's lock is free meanwhile; the file must be left alone.
    ///
    /// - Precondition: The file is one of `init(inMemory:)`.
    public func withBytes<Result>(_ body: (RawSpan) throws -> Result) throws -> Result {
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
        // The driver gives the address of its pointer to the memory.
        let memory = unsafe place?.load(as: UnsafeRawPointer?.self)
        return unsafe UnsafeRawBufferPointer(start: memory, count: count)
    }
}
