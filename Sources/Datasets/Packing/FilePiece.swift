internal import Files
internal import Glibc

/// A piece of an open file, given block after block; the file's own position is left alone.
@safe final class FilePiece {
    private static let blockByteCount = 1 << 14

    private let descriptor: Int32
    private let end: Int
    private var position: Int
    private let block = UnsafeMutableRawPointer.allocate(byteCount: FilePiece.blockByteCount, alignment: 16)
    private let place: String
    /// Why the file could not be read.
    private(set) var failure: DatasetError?

    /// - Parameters:
    ///   - range: The piece's bytes in the file.
    ///   - place: For errors.
    init(_ descriptor: Int32, _ range: Range<Int>, place: String) {
        self.descriptor = descriptor
        position = range.lowerBound
        end = range.upperBound
        self.place = place
    }

    deinit { unsafe block.deallocate() }

    /// The next bytes, which stay until the next call; 0 at the end, −1 where the file cannot be read.
    func next() -> (bytes: UnsafeRawPointer, count: Int) {
        let wanted = min(Self.blockByteCount, end - position)
        guard wanted > 0 else { return unsafe (UnsafeRawPointer(block), 0) }
        let count = PassingFault.retry { unsafe pread(descriptor, block, wanted, position) }
        if count < 0 { failure = DatasetError("read archive", place, failure: errno) }
        position += max(count, 0)
        return unsafe (UnsafeRawPointer(block), count)
    }
}
