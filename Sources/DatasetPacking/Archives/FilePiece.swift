internal import Datasets
internal import Files
internal import Glibc

/// A byte range of an open file, read block after block; the file's own offset does not change.
@safe final class FilePiece {
    private static let blockByteCount = 1 << 14

    private let descriptor: Int32
    private let end: Int
    private var position: Int
    private let block = UnsafeMutableRawPointer.allocate(byteCount: FilePiece.blockByteCount, alignment: 16)
    private let place: String
    /// The error if the file could not be read.
    private(set) var failure: DatasetError?

    /// - Parameters:
    ///   - range: The byte range in the file.
    ///   - place: For errors.
    init(_ descriptor: Int32, _ range: Range<Int>, place: String) {
        self.descriptor = descriptor
        position = range.lowerBound
        end = range.upperBound
        self.place = place
    }

    deinit { unsafe block.deallocate() }

    /// The next bytes, valid until the next call; the count is 0 at the end, −1 if the file cannot
    /// be read.
    func next() -> (bytes: UnsafeRawPointer, count: Int) {
        let wanted = min(Self.blockByteCount, end - position)
        guard wanted > 0 else { return unsafe (UnsafeRawPointer(block), 0) }
        let count = PassingFault.retry { unsafe pread(descriptor, block, wanted, position) }
        if count < 0 { failure = DatasetError("read archive", place, failure: errno) }
        position += max(count, 0)
        return unsafe (UnsafeRawPointer(block), count)
    }
}
