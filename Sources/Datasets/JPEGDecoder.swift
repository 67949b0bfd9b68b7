internal import CTurboJPEG

/// Decodes a JPEG file with the library's exact settings.
///
/// - Throws: Also for damage that the library could paint over, such as missing data at the end.
func decodeJPEG(_ bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) -> RGBImage {
    let decompressor = Decompressor()
    var reason: String?
    var size = (width: Int32(0), height: Int32(0), isCMYK: false)
    let header = unsafe bytes.withUnsafeBufferPointer { unsafe decompressor.readHeader($0) }
    switch header {
    case .success(let found): size = found
    case .failure(let failure): reason = failure.reason
    }
    if let reason { throw DatasetError(action: "decode image", place: place(), reason: reason) }
    try checkSize(width: Int(size.width), height: Int(size.height), place())
    let count = Int(size.width) * Int(size.height) * (size.isCMYK ? 4 : 3)
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        reason = unsafe bytes.withUnsafeBufferPointer { unsafe decompressor.decode($0, size, into: target) }
        initialized = count
    }
    if let reason { throw DatasetError(action: "decode image", place: place(), reason: reason) }
    return RGBImage(
        width: Int(size.width), height: Int(size.height),
        bytes: size.isCMYK ? rgb(invertedCMYK: pixels) : pixels)
}

/// Turns the four colours of print into three as Pillow does: a file's values are taken as inverted (Adobe's way), and
/// `red = 255 − black − cyan · (255 − black) / 255`, rounded.
private func rgb(invertedCMYK pixels: [UInt8]) -> [UInt8] {
    var colours = [UInt8](repeating: 0, count: pixels.count / 4 * 3)
    for pixel in 0..<pixels.count / 4 {
        let light = Int(pixels[4 * pixel + 3])
        for channel in 0..<3 {
            let product = (255 - Int(pixels[4 * pixel + channel])) * light + 128
            colours[3 * pixel + channel] = UInt8(clamping: light - (product >> 8 + product) >> 8)
        }
    }
    return colours
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
    ) -> Result<(width: Int32, height: Int32, isCMYK: Bool), DecodingFailure> {
        var (width, height, subsampling, colours) = (Int32(0), Int32(0), Int32(0), Int32(-1))
        let status = unsafe tjDecompressHeader3(
            handle, file.baseAddress, UInt(file.count), &width, &height, &subsampling, &colours)
        let isCMYK = colours == TJCS_CMYK.rawValue || colours == TJCS_YCCK.rawValue
        // The library can decode unusual subsampling, it only has no name for it; then the size is there.
        let isDecodable = status == 0 || (width > 0 && message.contains("subsampling"))
        return isDecodable ? .success((width, height, isCMYK)) : .failure(DecodingFailure(reason: message))
    }

    /// - Returns: What is wrong, or `nil`.
    func decode(
        _ file: UnsafeBufferPointer<UInt8>, _ size: (width: Int32, height: Int32, isCMYK: Bool),
        into pixels: UnsafeMutableBufferPointer<UInt8>
    ) -> String? {
        let status = unsafe tjDecompress2(
            handle, file.baseAddress, UInt(file.count), pixels.baseAddress, size.width, 0, size.height,
            size.isCMYK ? TJPF_CMYK.rawValue : TJPF_RGB.rawValue, TJFLAG_ACCURATEDCT)
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
