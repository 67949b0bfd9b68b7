internal import CTurboJPEG

/// Decodes a JPEG file with the library's exact settings.
///
/// - Throws: Also for damage that the library could paint over, such as missing data at the end.
func decodeJPEG(_ bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) -> RGBImage {
    let decompressor = Decompressor()
    var reason: String?
    var size = (width: Int32(0), height: Int32(0))
    let header = unsafe bytes.withUnsafeBufferPointer { unsafe decompressor.readHeader($0) }
    switch header {
    case .success(let found): size = found
    case .failure(let failure): reason = failure.reason
    }
    if let reason { throw DatasetError(action: "decode image", place: place(), reason: reason) }
    try checkSize(width: Int(size.width), height: Int(size.height), place())
    let count = Int(size.width) * Int(size.height) * 3
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        reason = unsafe bytes.withUnsafeBufferPointer { unsafe decompressor.decode($0, size, into: target) }
        initialized = count
    }
    if let reason { throw DatasetError(action: "decode image", place: place(), reason: reason) }
    return RGBImage(width: Int(size.width), height: Int(size.height), bytes: pixels)
}

private struct DecodingFailure: Error {
    let reason: String
}

/// One decompressor of the C library.
@safe private struct Decompressor: ~Copyable {
    private let handle: tjhandle?

    init() { unsafe handle = tjInitDecompress() }

    deinit { _ = unsafe tjDestroy(handle) }

    func readHeader(
        _ file: UnsafeBufferPointer<UInt8>
    ) -> Result<(width: Int32, height: Int32), DecodingFailure> {
        var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(-1))
        let status = unsafe tjDecompressHeader3(
            handle, file.baseAddress, UInt(file.count), &width, &height, &subsampling, &colours)
        if colours == TJCS_CMYK.rawValue || colours == TJCS_YCCK.rawValue {
            return .failure(DecodingFailure(reason: "its colours are CMYK, expected RGB or greyscale"))
        }
        // The library can decode unusual subsampling, it only has no name for it; then the size is there.
        let isDecodable = status == 0 || (width > 0 && message.contains("subsampling"))
        return isDecodable ? .success((width, height)) : .failure(DecodingFailure(reason: message))
    }

    /// - Returns: What is wrong, or `nil`.
    func decode(
        _ file: UnsafeBufferPointer<UInt8>, _ size: (width: Int32, height: Int32),
        into pixels: UnsafeMutableBufferPointer<UInt8>
    ) -> String? {
        let status = unsafe tjDecompress2(
            handle, file.baseAddress, UInt(file.count), pixels.baseAddress, size.width, 0, size.height,
            TJPF_RGB.rawValue, TJFLAG_ACCURATEDCT)
        guard status != 0 else { return nil }
        let reason = message
        // Bytes between the picture and its end mark: harmless, and common in files from cameras.
        let isHarmless =
            unsafe tjGetErrorCode(handle) == TJERR_WARNING.rawValue
            && reason.contains("extraneous bytes before marker 0xd9")
        return isHarmless ? nil : reason
    }

    private var message: String { unsafe String(cString: tjGetErrorStr2(handle)) }
}
