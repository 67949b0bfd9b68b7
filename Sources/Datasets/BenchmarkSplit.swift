/// The place of a dataset in a benchmark: its split and its image list.
public struct BenchmarkSplit: Codable, Equatable, Sendable {
    /// The benchmark's name, such as `cifar10`.
    public var benchmark: String
    /// The version of the benchmark's definition, such as `OpenOOD v1.5`.
    public var version: String
    /// The set's name in the benchmark's tables.
    public var set: String
    public var role: OpenOODBenchmark.Role
    /// The image list below the data root.
    public var list: String
    /// CRC-64/XZ over the list's lines, 16 hexadecimal digits (`ImageList.hash`).
    public var listHash: String
    /// Number of images in the list.
    public var listedCount: Int
    /// Number of images according to the benchmark's definition; `nil` if the definition does not
    /// say.
    public var expectedCount: Int?
}
