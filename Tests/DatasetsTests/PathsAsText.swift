import Datasets
import SystemPackage

/// Paths as strings, for tests.
extension FileTree {
    func contents(of file: String) throws(DatasetError) -> [UInt8] { try contents(of: FilePath(file)) }

    /// The visible files, in order.
    func files() throws(DatasetError) -> [String] { try listing().files.map(\.text) }
}
