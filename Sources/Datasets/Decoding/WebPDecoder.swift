internal import CWebP

/// The version of libwebp.
package func webPVersion() -> String {
    let version = WebPGetDecoderVersion()
    return "\(version >> 16).\(version >> 8 & 0xFF).\(version & 0xFF)"
}

/// Decodes a WebP file with a single image, lossy or lossless; alpha is dropped.
func decodeWebP(_ bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) -> RGBImage {
    var features = WebPBitstreamFeatures()
    var status = unsafe bytes.withUnsafeBufferPointer {
        unsafe WebPGetFeatures($0.baseAddress, $0.count, &features)
    }
    if status == VP8_STATUS_OK {
        let (width, height) = (Int(features.width), Int(features.height))
        try checkSize(width: width, height: height, place())
        if features.has_animation != 0 {
            throw DatasetError(
                action: "decode image", place: place(), reason: "it is animated (WebP), expected one picture")
        }
        let count = width * height * 3
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            status = unsafe bytes.withUnsafeBufferPointer { unsafe decode($0, width: width, into: target) }
            initialized = count
        }
        if status == VP8_STATUS_OK { return RGBImage(width: width, height: height, bytes: pixels) }
    }
    throw DatasetError(action: "decode image", place: place(), reason: reason(status))
}

private func decode(
    _ file: UnsafeBufferPointer<UInt8>, width: Int, into pixels: UnsafeMutableBufferPointer<UInt8>
) -> VP8StatusCode {
    var configuration = unsafe WebPDecoderConfig()
    guard unsafe WebPInitDecoderConfig(&configuration) != 0 else { return VP8_STATUS_INVALID_PARAM }
    unsafe configuration.output.colorspace = MODE_RGB
    unsafe configuration.output.is_external_memory = 1
    unsafe configuration.output.u.RGBA.rgba = pixels.baseAddress
    unsafe configuration.output.u.RGBA.stride = Int32(3 * width)
    unsafe configuration.output.u.RGBA.size = pixels.count
    defer { unsafe WebPFreeDecBuffer(&configuration.output) }
    return unsafe WebPDecode(file.baseAddress, file.count, &configuration)
}

private func reason(_ status: VP8StatusCode) -> String {
    switch status {
    case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: "Premature end of WebP file"
    case VP8_STATUS_BITSTREAM_ERROR: "Corrupt WebP data"
    case VP8_STATUS_UNSUPPORTED_FEATURE: "the WebP file uses a feature that is not supported"
    case VP8_STATUS_OUT_OF_MEMORY: "there is not enough memory"
    default: "the WebP data cannot be decoded"
    }
}
