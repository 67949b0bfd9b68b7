internal import Glibc

/// A new file that is written sequentially.
package struct OutputFile: ~Copyable {
    private static let pieceByteCount = 8 << 20

    private let path: String
    private let descriptor: Descriptor

    /// Creates a file, or truncates an existing one.
    package init(creating path: String) throws(FileError) {
        self.path = path
        descriptor = try Descriptor(path, O_WRONLY | O_CREAT | O_TRUNC)
    }

    /// Appends `bytes`.
    package func write(_ bytes: RawSpan) throws(FileError) {
        var start = 0
        while start < bytes.byteCount {
            let piece = bytes.extracting(start..<min(start + Self.pieceByteCount, bytes.byteCount))
            let count = unsafe piece.withUnsafeBytes { bytes in
                FileWait.during(path) {
                    PassingFault.uninterrupted {
                        unsafe Glibc.write(descriptor.number, bytes.baseAddress, bytes.count)
                    }
                }
            }
            guard count >= 0 else { throw FileError(atFailureOf: path) }
            start += count
        }
    }

    /// Appends `bytes`.
    package func write(_ bytes: [UInt8]) throws(FileError) {
        let span = bytes.span
        try write(unsafe span.bytes)
    }

    /// Closes the file; throws errors that appear only then, as on some network file systems.
    package consuming func close() throws(FileError) {
        let path = path
        guard descriptor.close() == 0 else { throw FileError(atFailureOf: path) }
    }
}
