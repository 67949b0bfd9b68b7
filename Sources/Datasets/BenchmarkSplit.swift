/// The place of a dataset in a benchmark: which split it is, by which list.
public struct BenchmarkSplit: Codable, Equatable, Sendable {
    /// The benchmark's name, such as `cifar10`.
    public var benchmark: String
    /// Whose definition it is, such as `OpenOOD v1.5`.
    public var version: String
    /// The set's name in the benchmark's tables.
    public var set: String
    public var role: OpenOODBenchmark.Role
    /// The image list below the data root.
    public var list: String
    /// CRC-64/XZ over the list's lines, 16 hexadecimal digits (`ImageList.hash`).
    public var listHash: String
    /// Images that the list names.
    public var listedCount: Int
    /// Images that the benchmark's definition has; `nil` where it does not say.
    public var expectedCount: Int?
}
