internal import CTurboJPEG
internal import Datasets

/// Encodes an image as a JPEG file with 4:2:0 chroma subsampling, Pillow's default.
///
/// - Parameter quality: The library's scale, 1...100.
func encodeJPEG(
    _ image: RGBImage, quality: Int, place: @autoclosure () -> String
) throws(DatasetError) -> [UInt8] {
    let compressor = Compressor()
    let limit = Int(
        tjBufSize(Int32(image.width), Int32(image.height), Int32(TJSAMP_420.rawValue)))
    var reason: String?
    let file = unsafe [UInt8](unsafeUninitializedCapacity: limit) { target, count in
        (count, reason) = unsafe compressor.encode(image, quality: quality, into: target)
    }
    if let reason { throw DatasetError(action: "encode image", place: place(), reason: reason) }
    return file
}

/// One compressor of the C library.
@safe private struct Compressor: ~Copyable {
    private let handle: tjhandle?

    init() { unsafe handle = tjInitCompress() }

    deinit { _ = unsafe tjDestroy(handle) }

    /// - Returns: The number of bytes written, and the error or `nil`.
    func encode(
        _ image: RGBImage, quality: Int, into target: UnsafeMutableBufferPointer<UInt8>
    ) -> (Int, String?) {
        var file = target.baseAddress
        var count = UInt(target.count)
        let status = unsafe image.bytes.withUnsafeBufferPointer { pixels in
            unsafe tjCompress2(
                handle, pixels.baseAddress, Int32(image.width), 0, Int32(image.height),
                Int32(TJPF_RGB.rawValue), &file, &count, Int32(TJSAMP_420.rawValue), Int32(quality),
                TJFLAG_ACCURATEDCT | TJFLAG_NOREALLOC)
        }
        return status == 0 ? (Int(count), nil) : (0, unsafe String(cString: tjGetErrorStr2(handle)))
    }
}
