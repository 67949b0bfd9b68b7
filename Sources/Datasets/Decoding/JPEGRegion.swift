internal import CJPEG
internal import Memory

/// A reusable libjpeg decompressor that decodes a part of an image.
@safe struct JPEGRegion: ~Copyable {
    private let decompressor: OpaquePointer

    init() {
        guard let decompressor = unsafe jpegCreate() else { fatalError("no memory for a JPEG decompressor") }
        unsafe self.decompressor = unsafe decompressor
    }

    deinit { unsafe jpegDestroy(decompressor) }

    /// Opens the first `byteCount` bytes of a buffer as a JPEG file and runs `body`; returns `nil`
    /// if the file is not a JPEG, is damaged, or is CMYK.
    ///
    /// Damage is defined as in `decodeJPEG`, but only the part of the file that is read is checked.
    ///
    /// - Parameter body: Receives the size of the image; returns `nil` for damage.
    func withFile<Result, Failure: Error>(
        _ buffer: borrowing Buffer<UInt8>, byteCount: Int,
        _ body: (_ width: Int, _ height: Int) throws(Failure) -> Result?
    ) throws(Failure) -> Result? {
        var header = JPEGHeader()
        let file = buffer.span.extracting(0..<byteCount)
        guard byteCount > 2, file[0] == 0xFF, file[1] == 0xD8, file[2] == 0xFF else { return nil }
        // The buffer is borrowed until the end of this function, so its address stays valid.
        let isOpen = unsafe file.withUnsafeBufferPointer {
            unsafe jpegOpen(decompressor, $0.baseAddress, $0.count, &header) == 1
        }
        defer { unsafe jpegClose(decompressor) }
        guard isOpen, header.isCMYK == 0, header.canBeWhole == 1 else { return nil }
        return try body(Int(header.width), Int(header.height))
    }

    /// Sets the size of the decoded image in eighths of the size in the file; below eight, chroma
    /// is upsampled without smoothing.
    func scale(eighths: Int) -> (width: Int, height: Int) {
        var (width, height) = (Int32(0), Int32(0))
        unsafe jpegScale(decompressor, Int32(eighths), eighths == 8 ? 1 : 0, &width, &height)
        return (Int(width), Int(height))
    }

    /// Decodes at least `box` of the (scaled) image.
    ///
    /// The pixels of `box` equal those of a decoded whole image, bit for bit. Rows below it are not
    /// read.
    ///
    /// - Returns: The rectangle that was decoded, dense in `pixels`; `nil` if the file is damaged,
    ///   or if only decoding the whole file can tell whether it is.
    func decode(_ box: PixelBox, into pixels: inout Buffer<UInt8>) -> PixelBox? {
        var columns = JPEGColumns()
        guard unsafe jpegStart(decompressor, Int32(box.x), Int32(box.width), &columns) == 1 else {
            return nil
        }
        let width = Int(columns.width)
        pixels.reserve(3 * width * box.height)
        var span = pixels.mutableSpan
        let isWhole = unsafe span.withUnsafeMutableBufferPointer {
            unsafe jpegRows(decompressor, Int32(box.y), Int32(box.height), $0.baseAddress) == 1
        }
        guard isWhole, unsafe jpegIsDoubtful(decompressor) == 0 else { return nil }
        return PixelBox(x: Int(columns.column), y: box.y, width: width, height: box.height)
    }
}
