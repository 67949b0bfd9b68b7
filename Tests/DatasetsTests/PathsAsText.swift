import Datasets
import SystemPackage

/// Paths as the tests write them.
extension FileTree {
    func contents(of file: String) throws(DatasetError) -> [UInt8] { try contents(of: FilePath(file)) }

    /// The visible files, in their order.
    func files() throws(DatasetError) -> [String] { try listing().files.map(\.text) }
}
