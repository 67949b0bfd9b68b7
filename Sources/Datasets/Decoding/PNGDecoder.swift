internal import CSPNG

/// Decodes a PNG file of any colour type and depth to 8-bit RGB.
func decodePNG(_ bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) -> RGBImage {
    if isAnimated(bytes) {
        throw DatasetError(
            action: "decode image", place: place(), reason: "it is animated (APNG), expected one picture")
    }
    let decoder = PNGDecoder()
    var size = (width: 0, height: 0)
    var status = unsafe bytes.withUnsafeBufferPointer { unsafe decoder.readHeader($0, &size) }
    if status == 0 {
        try checkSize(width: size.width, height: size.height, place())
        let count = size.width * size.height * 3
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            status = unsafe bytes.withUnsafeBufferPointer { unsafe decoder.decode($0, into: target) }
            initialized = count
        }
        if status == 0 { return RGBImage(width: size.width, height: size.height, bytes: pixels) }
    }
    throw DatasetError(
        action: "decode image", place: place(), reason: unsafe String(cString: spng_strerror(status)))
}

/// Whether a PNG has an `acTL` chunk before its first image data.
private func isAnimated(_ bytes: [UInt8]) -> Bool {
    var start = 8
    while start + 8 <= bytes.count {
        let type = bytes[start + 4..<start + 8]
        if type.elementsEqual("acTL".utf8) { return true }
        if type.elementsEqual("IDAT".utf8) { return false }
        start += bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } + 12
    }
    return false
}

/// One decoding context of the C library; it keeps a pointer to the file between its two calls.
@safe private struct PNGDecoder: ~Copyable {
    private let context: OpaquePointer?

    init() { unsafe context = spng_ctx_new(0) }

    deinit { unsafe spng_ctx_free(context) }

    /// - Returns: The library's error number, or 0.
    func readHeader(_ file: UnsafeBufferPointer<UInt8>, _ size: inout (width: Int, height: Int)) -> Int32 {
        var header = spng_ihdr()
        var status = unsafe spng_set_png_buffer(context, file.baseAddress, file.count)
        if status == 0 { status = unsafe spng_get_ihdr(context, &header) }
        size = (Int(header.width), Int(header.height))
        return status
    }

    /// - Returns: The library's error number, or 0.
    func decode(
        _ file: UnsafeBufferPointer<UInt8>, into pixels: UnsafeMutableBufferPointer<UInt8>
    ) -> Int32 {
        unsafe spng_decode_image(
            context, pixels.baseAddress, pixels.count, Int32(bitPattern: SPNG_FMT_RGB8.rawValue), 0)
    }
}
