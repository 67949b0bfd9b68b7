internal import CHDF5
internal import Files
internal import Glibc

/// An open HDF5 file, which is closed when its owner is destroyed.
///
/// Objects are named by their path (`model/conv1.weight`; the root is `/`). Every method takes the
/// library's one lock, so a file may be used from any thread, one call at a time.
package struct HDF5File: ~Copyable, Sendable {
    /// The file's path as it was given.
    package let path: String
    let handle: Handle

    /// Opens a file for reading.
    ///
    /// - Throws: If there is no such file, or it is not an HDF5 file, or truncated.
    package init(opening path: String) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = Operation(action: "open", file: path)
        guard unsafe access(path, R_OK) == 0 else { throw operation.error(systemMessage()) }
        let properties = try fileAccess(operation)
        let identifier = try operation.check(
            "H5Fopen", unsafe H5Fopen(path, CHDF5_ACC_RDONLY(), properties.identifier))
        self.path = path
        handle = Handle(identifier, H5Fclose)
    }

    /// Creates a file for writing, and overwrites an existing one: prefer `writeAtomically(to:_:)`.
    package init(creating path: String) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = Operation(action: "create", file: path)
        let properties = try fileAccess(operation)
        let identifier = try operation.check(
            "H5Fcreate", unsafe H5Fcreate(path, CHDF5_ACC_TRUNC(), 0, properties.identifier))
        self.path = path
        handle = Handle(identifier, H5Fclose)
    }

    /// Closes the file and throws errors that only closing reveals, such as a full disk.
    package consuming func close() throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = Operation(action: "close", file: path)
        try operation.check("H5Fclose", handle.close())
    }

    /// Writes a new file and moves it to `path` once it is complete and on the disk.
    ///
    /// A crash at any time leaves either the old file or the new one, and perhaps a `…​.partial-…`
    /// beside it.
    ///
    /// - Throws: The error of `body`, an `HDF5Error` or a `FileError`; the old file, if any, is
    ///   then unchanged.
    package static func writeAtomically(
        to path: String, _ body: (borrowing HDF5File) throws -> Void
    ) throws {
        try replaceFile(at: path) { temporary in
            let file = try HDF5File(creating: temporary)
            try body(file)
            try file.close()
        }
    }

    func operation(_ action: String, _ object: String?) -> Operation {
        Operation(action: action, file: path, object: object)
    }
}

/// The access properties of files: no file locks, which some network file systems refuse (Lustre
/// without `flock`, NFS without its lock daemon). Locks are not needed: a file that is read is
/// never written again, and a file that is written has a name that no other process knows.
func fileAccess(_ operation: Operation) throws(HDF5Error) -> Handle {
    let list = Handle(try operation.check("H5Pcreate", H5Pcreate(CHDF5_FILE_ACCESS())), H5Pclose)
    // The version of the format that `HDF5Metadata` reads, whatever the default of a later library
    // is.
    try operation.check(
        "H5Pset_libver_bounds",
        H5Pset_libver_bounds(list.identifier, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110))
    try operation.check("H5Pset_file_locking", H5Pset_file_locking(list.identifier, false, true))
    return list
}
