internal import CJPEG
internal import Kernels

/// A decompressor of libjpeg that decodes a part of a picture, used again and again.
@safe struct JPEGRegion: ~Copyable {
    private let decompressor: OpaquePointer

    init() {
        guard let decompressor = unsafe jpegCreate() else { fatalError("no memory for a JPEG decompressor") }
        unsafe self.decompressor = unsafe decompressor
    }

    deinit { unsafe jpegDestroy(decompressor) }

    /// Runs `body` on the first `byteCount` bytes of a buffer as an opened file; `nil` where it is no JPEG, damaged, or has colours of print.
    ///
    /// Damage is what `decodeJPEG` takes for it, as far as the file is looked at.
    ///
    /// - Parameter body: Gets the picture's size. What it returns as `nil` is damage, too.
    func withFile<Result, Failure: Error>(
        _ buffer: borrowing Buffer<UInt8>, byteCount: Int,
        _ body: (_ width: Int, _ height: Int) throws(Failure) -> Result?
    ) throws(Failure) -> Result? {
        var header = JPEGHeader()
        let file = buffer.span.extracting(0..<byteCount)
        guard byteCount > 2, file[0] == 0xFF, file[1] == 0xD8, file[2] == 0xFF else { return nil }
        // The buffer is borrowed, and so stays where it is, to the end of this function.
        let isOpen = unsafe file.withUnsafeBufferPointer {
            unsafe jpegOpen(decompressor, $0.baseAddress, $0.count, &header) == 1
        }
        defer { unsafe jpegClose(decompressor) }
        guard isOpen, header.isCMYK == 0, header.canBeWhole == 1 else { return nil }
        return try body(Int(header.width), Int(header.height))
    }

    /// Sets the size of the decoded picture in eighths of the file's; with less than eight, colours are upsampled plainly.
    func scale(eighths: Int) -> (width: Int, height: Int) {
        var (width, height) = (Int32(0), Int32(0))
        unsafe jpegScale(decompressor, Int32(eighths), eighths == 8 ? 1 : 0, &width, &height)
        return (Int(width), Int(height))
    }

    /// Decodes at least `box` of the (scaled) picture.
    ///
    /// The pixels of `box` are those of the whole picture, bit for bit. Rows below it are not looked at.
    ///
    /// - Returns: The rectangle that was decoded, dense in `pixels`; `nil` for damage, and for a file that only the whole of it can judge.
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
