internal import Files
internal import HDF5

extension HDF5Metadata {
    /// The outline of an open file.
    init(of file: borrowing InputFile, path: String) throws {
        try self.init(path: path, byteCount: file.byteCount) { try file.values(at: $0, count: $1) }
    }
}
