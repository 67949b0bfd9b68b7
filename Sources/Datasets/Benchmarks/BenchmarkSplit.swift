/// The place of a dataset in a benchmark: its split and its image list.
package struct BenchmarkSplit: Codable, Equatable, Sendable {
    /// The benchmark's name, such as `cifar10`.
    package var benchmark: String
    /// The version of the benchmark's definition, such as `OpenOOD v1.5`.
    package var version: String
    /// The set's name in the benchmark's tables.
    package var set: String
    package var role: OpenOODBenchmark.Role
    /// The image list below the data root.
    package var list: String
    /// CRC-64/XZ over the list's lines, 16 hexadecimal digits (`ImageList.hash`).
    package var listHash: String
    /// Number of images in the list.
    package var listedCount: Int
    /// Number of images according to the benchmark's definition; `nil` if the definition does not
    /// say.
    package var expectedCount: Int?
}

extension BenchmarkSplit {
    /// The split that a set of a benchmark is, packed from an image list.
    ///
    /// - Parameters:
    ///   - listHash: The hash of the list that was packed, which may be another than the set's.
    ///   - listedCount: The number of images in it.
    package init(
        of benchmark: OpenOODBenchmark, _ set: OpenOODBenchmark.ImageSet, listHash: String,
        listedCount: Int
    ) {
        self.init(
            benchmark: benchmark.name, version: benchmark.version, set: set.name, role: set.role,
            list: set.list, listHash: listHash, listedCount: listedCount, expectedCount: set.count)
    }
}
