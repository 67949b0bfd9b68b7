internal import Datasets
internal import Files
internal import Glibc

/// A file in which each rank writes its progress and reads that of the others. No rank waits for
/// another, and all stop soon after one has failed.
final class SharedProgressFile: Sendable {
    private static let failed = Int64(-1)
    private let descriptor: Int32
    private let rank: Int
    private let size: Int

    /// Creates the file, with zero progress of each rank.
    static func create(_ path: String, size: Int) throws(DatasetError) {
        let zeros = String(repeating: "\0", count: 8 * size)
        try DatasetError.wrapping("write", path) { try writeFile(zeros, to: path) }
    }

    init(_ path: String, rank: Int, size: Int) throws(DatasetError) {
        descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw DatasetError(action: "open", place: path, reason: systemMessage())
        }
        self.rank = rank
        self.size = size
    }

    deinit { _ = close(descriptor) }

    /// Writes the number of records that this rank has read.
    func write(_ count: Int) { put(Int64(count)) }

    /// Writes that this rank has failed.
    func fail() { put(Self.failed) }

    /// The number of records that all ranks together have read; `nil` if one has failed.
    func total() -> Int? {
        var values = [Int64](repeating: 0, count: size)
        let count = unsafe values.withUnsafeMutableBytes {
            unsafe pread(descriptor, $0.baseAddress!, $0.count, 0)
        }
        guard count == 8 * size else { return 0 }
        return values.contains(Self.failed) ? nil : Int(values.reduce(0, +))
    }

    private func put(_ value: Int64) {
        var value = value
        _ = unsafe withUnsafeBytes(of: &value) {
            unsafe pwrite(descriptor, $0.baseAddress!, $0.count, 8 * rank)
        }
    }
}
