internal import CSPNG
internal import Glibc

extension RGBImage {
    /// The image as a PNG file.
    ///
    /// - Throws: If there is not enough memory.
    package func png() throws(DatasetError) -> [UInt8] {
        let encoder = PNGEncoder()
        let (file, status) = encoder.encode(self)
        guard status == 0 else {
            throw DatasetError(
                action: "encode PNG", place: "\(width)×\(height) pixels",
                reason: unsafe String(cString: spng_strerror(status)))
        }
        return file
    }
}

/// One encoding context of the C library.
@safe private struct PNGEncoder: ~Copyable {
    private let context: OpaquePointer?

    init() { unsafe context = spng_ctx_new(Int32(SPNG_CTX_ENCODER.rawValue)) }

    deinit { unsafe spng_ctx_free(context) }

    /// - Returns: The file, and the library's error number or 0.
    func encode(_ image: RGBImage) -> ([UInt8], Int32) {
        var header = spng_ihdr()
        header.width = UInt32(image.width)
        header.height = UInt32(image.height)
        header.bit_depth = 8
        header.color_type = UInt8(SPNG_COLOR_TYPE_TRUECOLOR.rawValue)
        var status = unsafe spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1)
        if status == 0 { status = unsafe spng_set_ihdr(context, &header) }
        if status == 0 {
            status = unsafe image.bytes.withUnsafeBytes { pixels in
                unsafe spng_encode_image(
                    context, pixels.baseAddress, pixels.count, Int32(SPNG_FMT_PNG.rawValue),
                    Int32(SPNG_ENCODE_FINALIZE.rawValue))
            }
        }
        guard status == 0 else { return ([], status) }
        var count = 0
        guard let bytes = unsafe spng_get_png_buffer(context, &count, &status) else { return ([], status) }
        defer { unsafe free(bytes) }
        return (unsafe Array(UnsafeRawBufferPointer(start: bytes, count: count)), status)
    }
}
